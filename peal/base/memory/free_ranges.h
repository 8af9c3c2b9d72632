// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace peal {

// A best-fit allocator of ranges within [0, size_bytes). Bytes from `used_` on are untouched: never
// allocated, or free again up to the end. Free ranges below are kept separately.
class FreeRanges {
 public:
  explicit FreeRanges(std::size_t size_bytes) : size_bytes_(size_bytes) {}

  // Allocates from the smallest free range that is large enough, else from the untouched bytes.
  // Returns the offset, or std::nullopt if neither suffices.
  [[nodiscard]] std::optional<std::size_t> take(std::size_t extent_bytes);
  // Frees a range, and merges it with the free ranges beside it.
  void give(std::size_t offset, std::size_t extent_bytes);
  // The number of untouched bytes at the end.
  [[nodiscard]] std::size_t untouched_bytes() const { return size_bytes_ - used_; }

 private:
  void remove(std::map<std::size_t, std::size_t>::iterator range);

  std::size_t size_bytes_;
  std::map<std::size_t, std::size_t> free_;             // free ranges below used_: offset to size
  std::set<std::pair<std::size_t, std::size_t>> fits_;  // the same ranges as (size, offset)
  std::size_t used_ = 0;
};

}  // namespace peal
