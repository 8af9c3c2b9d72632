// SPDX-License-Identifier: Apache-2.0
#include "peal/tools/files/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "peal/base/error.h"

namespace peal {

namespace {

namespace fs = std::filesystem;

bool is_same(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// True for a stream, which is written directly, by any number of writers.
bool is_stream(const struct stat& status) {
  return S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode);
}

// Throws Error for a regular file that is hardly meant to be replaced: executable, or another
// user's.
void check_replaceable(const std::string& path, const struct stat& status) {
  if (!S_ISREG(status.st_mode)) return;
  if (status.st_uid != ::geteuid()) {
    throw UsageError(
        fmt::format("output `{}` belongs to user {}, not to you, user {}; give another path", path,
                    status.st_uid, ::geteuid()));
  }
  if ((status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0) {
    throw UsageError(
        fmt::format("output `{}` is an executable file; give another path, or remove it", path));
  }
}

// The path after following symbolic links, also if the last target does not exist.
fs::path followed(fs::path path) {
  constexpr int max_links = 40;  // Linux's limit
  std::error_code failed;
  for (int links = 0; links < max_links && fs::is_symlink(path, failed); ++links) {
    const fs::path next = fs::read_symlink(path, failed);
    if (failed) break;
    path = path.parent_path() / next;
  }
  return path;
}

// A canonical name for the file at the path: the same for all paths to it, also if the file does
// not exist yet.
std::string resolved(const std::string& path) {
  std::error_code failed;
  const fs::path result = fs::weakly_canonical(fs::absolute(followed(path), failed), failed);
  return failed ? path : result.string();
}

bool is_one_file(const NamedFile& a, const NamedFile& b) {
  if (a.path == b.path) return true;
  struct stat first = {}, second = {};
  const bool has_first = ::stat(a.path.c_str(), &first) == 0;
  const bool has_second = ::stat(b.path.c_str(), &second) == 0;
  if (has_first != has_second) return false;
  return has_first ? is_same(first, second) : resolved(a.path) == resolved(b.path);
}

}  // namespace

void check_outputs(const std::vector<NamedFile>& outputs, const std::vector<NamedFile>& inputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const NamedFile& output = outputs[i];
    struct stat status = {};
    if (::stat(output.path.c_str(), &status) == 0) {
      if (is_stream(status)) continue;
      check_replaceable(output.path, status);
    }
    for (std::size_t other = 0; other < i; ++other) {
      if (!is_one_file(output, outputs[other])) continue;
      throw UsageError(fmt::format("{} `{}` and {} `{}` are one file; give two paths",
                                   outputs[other].option, outputs[other].path, output.option,
                                   output.path));
    }
    for (const NamedFile& input : inputs) {
      if (output.path == stdout_path || !is_one_file(output, input)) continue;
      throw UsageError(
          fmt::format("{} `{}` is the {} `{}`, which this run reads; give another path",
                      output.option, output.path, input.option, input.path));
    }
  }
}

std::vector<NamedFile> named_files(
    std::initializer_list<std::pair<const char*, std::optional<std::string>>> files) {
  std::vector<NamedFile> result;
  for (const auto& [option, path] : files) {
    if (path && !path->empty()) result.push_back({option, *path});
  }
  return result;
}

OutputFile::OutputFile(std::string path) : path_(std::move(path)), target_(path_) {
  if (path_.empty()) {
    throw UsageError("the path of an output file is empty; name a file, or `-` for stdout");
  }
  struct stat status = {}, standard = {};
  const bool exists = ::stat(path_.c_str(), &status) == 0;
  const bool has_stdout = ::fstat(STDOUT_FILENO, &standard) == 0;
  if (path_ == stdout_path || (exists && has_stdout && is_same(status, standard))) {
    is_stream_ = is_stdout_ = true;
    file_ = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    if (file_ < 0) fail(errno, "give the path of a file");
    return;
  }
  if (exists) {
    open_existing(status);
  } else {
    target_ = followed(path_).string();
    std::error_code failed;
    if (fs::is_symlink(target_, failed)) fail(ELOOP, "give the path of a file");
  }
  if (is_stream_ || open_nameless()) return;
  take_name([this] {
    file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return file_ >= 0;
  });
}

void OutputFile::open_existing(const struct stat& status) {
  if (S_ISDIR(status.st_mode)) fail(EISDIR, "give the path of a file");
  if (is_stream(status)) {
    is_stream_ = true;
    file_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (file_ < 0) fail(errno, "give the path of something that can be written");
    return;
  }
  if (!S_ISREG(status.st_mode)) {
    throw UsageError(fmt::format(
        "output `{}` is no file, pipe or character device; give the path of one", path_));
  }
  check_replaceable(path_, status);
  if (::access(path_.c_str(), W_OK) != 0) fail(errno, "give the path of a writable file");
  mode_ = status.st_mode & 07777;
  // Where the path is a symbolic link, the file it leads to is replaced, not the link.
  std::error_code error;
  target_ = fs::canonical(path_, error).string();
  if (error) fail(error.value(), "give the path of a writable file");
}

// Opens an unnamed temporary file (O_TMPFILE), which vanishes if the program is killed. Returns
// false if the file system has none, or if /proc, which commit() needs to name it, is missing.
bool OutputFile::open_nameless() {
  const std::string folder = std::filesystem::path(target_).parent_path().string();
  file_ = ::open(folder.empty() ? "." : folder.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
  if (file_ < 0) return false;
  // The temporary name must be valid, too (ENOENT). If it is too long, the result is false: the
  // caller then tries to create a named file, and fails now rather than at commit().
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

// Tries names beside the target until `create` succeeds with one (errno EEXIST: the next one).
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
  PEAL_CHECK(file_ >= 0);
  if (is_stream_) {
    if (::close(std::exchange(file_, -1)) != 0) fail(errno, "give another path");
    return;
  }
  if (mode_ && ::fchmod(file_, *mode_) != 0) fail(errno, "give another path");
  // Some file systems report a full disk only here.
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
  PEAL_CHECK(file_ >= 0);
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno, "free some space or give another path");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void OutputFile::fail(int code, const char* way_out) {
  discard();
  throw UsageError(
      fmt::format("output `{}` cannot be written: {}; {}", path_, std::strerror(code), way_out));
}

void OutputFile::discard() {
  if (file_ >= 0) ::close(std::exchange(file_, -1));
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

}  // namespace peal
