// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace peal {

// Limits of a folder of compiled kernels: its size, and the age of an entry since its last use.
struct CacheLimits {
  std::uintmax_t size_bytes = std::uintmax_t{1} << 30;
  std::chrono::hours unused{30 * 24};
};

// A shared flock() on a cache entry or build folder, which keeps other processes from removing it.
// Removal needs the exclusive lock, so on a file system without locks nothing is ever removed.
class CacheLock {
 public:
  CacheLock() = default;
  // Nothing if the path does not exist, or was unlinked before the lock was granted. Blocks while
  // another process removes it.
  [[nodiscard]] static std::optional<CacheLock> of(const std::filesystem::path& path);
  ~CacheLock();
  CacheLock(CacheLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  CacheLock& operator=(CacheLock&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }

 private:
  explicit CacheLock(int file) : file_(file) {}
  int file_ = -1;
};

// A folder within the cache that one compilation writes to; removed with this object. mkdtemp()
// makes its name unique, which process numbers are not among containers that share a cache.
class BuildFolder {
 public:
  // Throws Error if the cache cannot be written.
  explicit BuildFolder(const std::filesystem::path& cache);
  ~BuildFolder();
  BuildFolder(const BuildFolder&) = delete;
  BuildFolder& operator=(const BuildFolder&) = delete;

  [[nodiscard]] std::filesystem::path file(const char* name) const { return path_ / name; }
  // Throws Error if a page cannot be written here, such as on a full disk.
  void check_writable() const;
  // Moves a file of this folder into the cache, readable and writable by this user alone. rename()
  // is atomic: other processes see the old entry or the whole new one. Throws as check_writable().
  void publish(const char* name, const std::filesystem::path& to) const;

 private:
  std::filesystem::path cache_, path_;
  std::optional<CacheLock> lock_;
};

// Marks an entry as used now, for clean_cache().
void touch_cache_entry(const std::filesystem::path& entry);

// Removes entries unused for longer than the limit, then the least recently used ones until the
// folder is within its size limit. Keeps `kept`, locked entries, and files that are not entries.
// Ignores failures. Also removes the build folders of interrupted compilations.
void clean_cache(const std::filesystem::path& folder, const std::filesystem::path& kept,
                 const CacheLimits& limits);

// 16 hexadecimal digits of a fast hash. It detects changes and damage; it is not cryptographic.
[[nodiscard]] std::string content_hash(std::string_view text);

// Appends a seal to an object: the hash of its contents. Loaders ignore bytes behind the sections.
void seal_object(const std::filesystem::path& object);
// True if seal_object() has sealed the object, its contents still match the seal, and only this
// user can have written it (see distrust_of_file).
[[nodiscard]] bool is_sealed(const std::filesystem::path& object);

// The contents of a regular file, text or binary; nothing if it cannot be read.
[[nodiscard]] std::optional<std::string> file_contents(const std::filesystem::path& path);

}  // namespace peal
