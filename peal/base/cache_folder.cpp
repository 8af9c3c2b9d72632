// SPDX-License-Identifier: Apache-2.0
#include "peal/base/cache_folder.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>

#include "peal/base/error.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

constexpr mode_t writable_by_others = S_IWGRP | S_IWOTH;

[[noreturn]] void refuse(const fs::path& folder, const std::string& why) {
  throw UsageError(fmt::format("cache folder `{}` {}; set PEAL_CACHE_DIR to a folder of your own",
                               folder.string(), why));
}

// A folder with an unpredictable name, which the process that made it removes at exit.
class PrivateFolder {
 public:
  PrivateFolder() {
    std::error_code failed;
    const fs::path base = fs::temp_directory_path(failed);
    std::string name = ((failed ? fs::path("/tmp") : base) / "peal-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw UsageError(
          fmt::format("a temporary folder `{}` cannot be made: {}; set HOME or "
                      "PEAL_CACHE_DIR to a folder of your own",
                      name, std::strerror(errno)));
    }
    path_ = name;
  }
  ~PrivateFolder() {
    if (::getpid() != owner_) return;  // this is a forked child's copy
    std::error_code failed;
    fs::remove_all(path_, failed);
  }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;

  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  pid_t owner_ = ::getpid();
};

const fs::path& temporary_folder() {
  static const PrivateFolder own;
  return own.path();
}

void make(const fs::path& folder) {
  std::error_code failed;
  fs::create_directories(folder.parent_path(), failed);
  if (failed) refuse(folder, fmt::format("cannot be made: {}", failed.message()));
  if (::mkdir(folder.c_str(), S_IRWXU) == 0 || errno == EEXIST) return;
  refuse(folder, fmt::format("cannot be made: {}", std::strerror(errno)));
}

}  // namespace

std::optional<fs::path> cache_folder() {
  const auto variable = [](const char* name) -> fs::path {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  if (const fs::path own = variable("PEAL_CACHE_DIR"); !own.empty()) {
    std::error_code failed;
    const fs::path absolute = fs::absolute(own, failed);
    return failed ? own : absolute;
  }
  // The XDG Base Directory Specification requires relative paths to be ignored.
  if (const fs::path all = variable("XDG_CACHE_HOME"); all.is_absolute()) return all / "peal";
  if (const fs::path home = variable("HOME"); home.is_absolute()) return home / ".cache" / "peal";
  return std::nullopt;
}

fs::path made_cache_folder() {
  const std::optional<fs::path> named = cache_folder();
  if (!named) return temporary_folder();
  // Drops a trailing slash: with it, parent_path() is not the parent, and lstat() follows a link.
  const fs::path folder = named->has_filename() ? *named : named->parent_path();
  make(folder);
  struct stat link = {}, status = {};
  if (::lstat(folder.c_str(), &link) != 0 || ::stat(folder.c_str(), &status) != 0) {
    refuse(folder, fmt::format("cannot be used: {}", std::strerror(errno)));
  }
  const uid_t user = ::geteuid();
  if (!S_ISDIR(status.st_mode)) refuse(folder, "is no folder");
  if (link.st_uid != user || status.st_uid != user) {
    refuse(folder, fmt::format("belongs to user {}, not to you, user {}",
                               link.st_uid != user ? link.st_uid : status.st_uid, user));
  }
  if ((status.st_mode & writable_by_others) != 0) {
    throw UsageError(
        fmt::format("cache folder `{}` may be written by others: its mode is {:04o}; "
                    "`chmod 700` it, or set PEAL_CACHE_DIR to another",
                    folder.string(), status.st_mode & 07777));
  }
  return folder;
}

void make_temporary_cache() {
  if (!cache_folder()) static_cast<void>(temporary_folder());
}

std::string distrust_of_file(const fs::path& path) {
  struct stat status = {};
  if (::lstat(path.c_str(), &status) != 0) return std::strerror(errno);
  if (!S_ISREG(status.st_mode)) return "it is no regular file";
  if (status.st_uid != ::geteuid()) {
    return fmt::format("it belongs to user {}, not to you, user {}", status.st_uid, ::geteuid());
  }
  if ((status.st_mode & writable_by_others) != 0) {
    return fmt::format("others may write it: its mode is {:04o}", status.st_mode & 07777);
  }
  if (status.st_nlink != 1) return fmt::format("it has {} names", status.st_nlink);
  return {};
}

}  // namespace peal
