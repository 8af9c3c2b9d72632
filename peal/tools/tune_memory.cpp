// SPDX-License-Identifier: Apache-2.0
#include "peal/tools/tune_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "peal/base/cache_folder.h"
#include "peal/base/error.h"
#include "peal/base/notes.h"
#include "peal/tools/files/output_file.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

// An exclusive flock() on the folder; the kernel releases it if the process is killed.
class FolderLock {
 public:
  explicit FolderLock(const fs::path& folder)
      : file_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    while (file_ >= 0 && ::flock(file_, LOCK_EX) != 0) {
      if (errno == EINTR) continue;
      const int code = errno;
      ::close(file_);
      refuse(folder, code);
    }
    if (file_ < 0) refuse(folder, errno);
  }
  ~FolderLock() { ::close(file_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  [[noreturn]] static void refuse(const fs::path& folder, int code) {
    throw UsageError(
        fmt::format("cache folder `{}` cannot be locked: {}; set PEAL_CACHE_DIR to another",
                    folder.string(), std::strerror(code)));
  }
  int file_;
};

std::vector<MeasuredChoice> known_choices(const fs::path& path) {
  std::error_code none;
  if (!fs::exists(path, none)) return {};
  try {
    return read_measured_choices(path);
  } catch (const Error& error) {
    const std::string text = fmt::format("what was measured before is replaced: {}", error.what());
    give_note({Note::Kind::notice, text});
  }
  return {};
}

}  // namespace

fs::path tune_folder() {
  if (cache_folder()) return made_cache_folder();
  throw UsageError(
      "tune: there is no folder to remember anything in; set HOME, or PEAL_CACHE_DIR to a folder "
      "of "
      "your own");
}

fs::path remember_choices(const fs::path& folder, const std::vector<MeasuredChoice>& fresh) {
  const FolderLock lock(folder);
  const fs::path path = folder / tune_file().filename();
  std::vector<MeasuredChoice> all = known_choices(path);
  for (const MeasuredChoice& choice : fresh) {
    std::erase_if(all,
                  [&](const MeasuredChoice& old) { return old.conditions == choice.conditions; });
    all.push_back(choice);
  }
  OutputFile file(path);
  file.commit(text_of(all));
  // Only this user may write the file, because it controls what this user's programs choose.
  std::error_code failed;
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write, failed);
  return path;
}

}  // namespace peal
