// SPDX-License-Identifier: Apache-2.0
#include "cli/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "peal/base/error.h"

namespace peal {

OutputFile::OutputFile(std::string path) : path_(std::move(path)), target_(path_) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_status status = fs::status(path_, error);
  if (fs::is_directory(status)) fail(EISDIR, "give the path of a file");
  if (fs::exists(status)) {
    // Renaming over a device would replace the device.
    if (!fs::is_regular_file(status)) {
      throw Error(fmt::format("output `{}` is not a regular file; give the path of one", path_));
    }
    if (::access(path_.c_str(), W_OK) != 0) fail(errno, "give the path of a writable file");
    // Where the path is a symbolic link, the file it leads to is replaced, not the link.
    target_ = fs::canonical(path_, error).string();
    if (error) fail(error.value(), "give the path of a writable file");
  }
  if (open_nameless()) return;
  take_name([this] {
    file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return file_ >= 0;
  });
}

// A file without a name is gone when the program is killed. Not every file system has such files;
// without /proc they could not be named later.
bool OutputFile::open_nameless() {
  const std::string folder = std::filesystem::path(target_).parent_path().string();
  file_ = ::open(folder.empty() ? "." : folder.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
  if (file_ < 0) return false;
  // A name that is too long is to be found out now, by giving it one.
  if (::access(handle_path().c_str(), F_OK) == 0 && ::access(name_of(0).c_str(), F_OK) != 0 &&
      errno == ENOENT) {
    return true;
  }
  ::close(std::exchange(file_, -1));
  return false;
}

std::string OutputFile::handle_path() const { return fmt::format("/proc/self/fd/{}", file_); }

std::string OutputFile::name_of(int attempt) const {
  return fmt::format("{}.{}-{}.tmp", target_, ::getpid(), attempt);
}

// Gives the file the first name beside the target at which `create` succeeds.
void OutputFile::take_name(const std::function<bool()>& create) {
  for (int attempt = 0;; ++attempt) {
    temporary_ = name_of(attempt);
    if (create()) return;
    if (errno != EEXIST || attempt == 1000) {
      const int code = errno;
      temporary_.clear();
      fail(code, "give a path in a directory that exists and is writable");
    }
  }
}

OutputFile::~OutputFile() { discard(); }

void OutputFile::commit() {
  CHECK(file_ >= 0);
  // Some file systems only now find that the disk is full.
  const bool stored = ::fsync(file_) == 0;
  if (!stored) fail(errno, "free some space or give another path");
  if (temporary_.empty()) {
    take_name([this] {
      return ::linkat(AT_FDCWD, handle_path().c_str(), AT_FDCWD, temporary_.c_str(),
                      AT_SYMLINK_FOLLOW) == 0;
    });
  }
  const bool closed = ::close(std::exchange(file_, -1)) == 0;
  if (!closed || std::rename(temporary_.c_str(), target_.c_str()) != 0) {
    fail(errno, "free some space or give another path");
  }
  temporary_.clear();
}

void OutputFile::write(std::span<const std::byte> bytes) {
  CHECK(file_ >= 0);
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno, "free some space or give another path");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void OutputFile::fail(int code, const char* way_out) {
  discard();
  throw Error(
      fmt::format("output `{}` cannot be written: {}; {}", path_, std::strerror(code), way_out));
}

void OutputFile::discard() {
  if (file_ >= 0) ::close(std::exchange(file_, -1));
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

}  // namespace peal
