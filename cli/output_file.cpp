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
  for (int attempt = 0; file_ < 0; ++attempt) {
    temporary_ = fmt::format("{}.{}-{}.tmp", target_, ::getpid(), attempt);
    file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file_ < 0 && (errno != EEXIST || attempt == 1000)) {
      temporary_.clear();
      fail(errno, "give a path in a directory that exists and is writable");
    }
  }
}

OutputFile::~OutputFile() { discard(); }

void OutputFile::commit() {
  CHECK(file_ >= 0);
  // Some file systems only now find that the disk is full.
  const bool stored = ::fsync(file_) == 0;
  const int store_error = errno;
  const bool closed = ::close(std::exchange(file_, -1)) == 0;
  if (!stored) fail(store_error, "free some space or give another path");
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
