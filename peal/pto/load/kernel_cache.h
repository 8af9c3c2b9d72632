// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace peal {

// What a folder of compiled kernels may hold.
struct CacheLimits {
  std::uintmax_t size_bytes = std::uintmax_t{1} << 30;
  std::chrono::hours unused{30 * 24};
};

// Keeps an entry, or a folder of one compilation, from being removed while it is in use: a shared
// lock on it. Where the file system has no locks, nothing is removed by Peal at all.
class CacheLock {
 public:
  CacheLock() = default;
  // Nothing when the path is not there, or is not there any more.
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

// A folder within the cache in which one compilation writes, under a name of its own whoever else
// compiles, wherever their process numbers come from; gone with this object.
class BuildFolder {
 public:
  // Throws Error where the cache cannot be written.
  explicit BuildFolder(const std::filesystem::path& cache);
  ~BuildFolder();
  BuildFolder(const BuildFolder&) = delete;
  BuildFolder& operator=(const BuildFolder&) = delete;

  [[nodiscard]] std::filesystem::path file(const char* name) const { return path_ / name; }
  // Throws Error, with what the user can do, if nothing more can be written here.
  void check_writable() const;
  // Moves a file that was made here to its place in the cache, for this user alone. Throws as
  // check_writable() does.
  void publish(const char* name, const std::filesystem::path& to) const;

 private:
  std::filesystem::path cache_, path_;
  std::optional<CacheLock> lock_;
};

// Says that an entry is used now.
void touch_cache_entry(const std::filesystem::path& entry);

// Removes from the folder the entries that nobody has used for so long, then the least recently
// used ones until the rest are small enough; `kept` stays in any case, and so does what is in use.
// Files that are no entries are left alone, and so is what cannot be removed.
void clean_cache(const std::filesystem::path& folder, const std::filesystem::path& kept,
                 const CacheLimits& limits);

// A fast hash of contents: it tells what has changed and what is damaged, not who has done it.
[[nodiscard]] std::string content_hash(std::string_view text);

// Appends to an object the hash of what it holds, which loaders ignore.
void seal_object(const std::filesystem::path& object);
// Whether the object is one that seal_object() has sealed and that holds the same since, which
// nobody but this user can have written.
[[nodiscard]] bool is_sealed(const std::filesystem::path& object);

// The contents of a file of any kind; nothing where it cannot be read.
[[nodiscard]] std::optional<std::string> file_contents(const std::filesystem::path& path);

}  // namespace peal
