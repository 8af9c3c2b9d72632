// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>

namespace peal {

// The scalar unit's data cache: 64-byte lines, write-back, coherent with nothing. Cleaning a dirty
// line writes all its 64 bytes and so restores stale neighbours. Empty at first.
class ScalarCache {
 public:
  static constexpr std::size_t line_bytes = 64;

  // An access of `size` bytes within one line; fills the line from memory if it is not cached.
  void load(void* value, const std::byte* address, std::size_t size);
  void store(std::byte* address, const void* value, std::size_t size);
  // Writes the line of `address` back if it is dirty, and drops it; true if it was dirty.
  bool clean(const std::byte* address);
  void clean_all();

  [[nodiscard]] std::size_t lines() const { return lines_.size(); }

 private:
  struct Line {
    std::array<std::byte, line_bytes> bytes;
    bool dirty = false;
  };
  [[nodiscard]] static std::uintptr_t line_of(const std::byte* address) {
    return reinterpret_cast<std::uintptr_t>(address) & ~(line_bytes - 1);
  }
  Line& fetch(const std::byte* address, std::size_t size);

  std::map<std::uintptr_t, Line> lines_;  // ordered, so that cleaning all has one order
};

}  // namespace peal
