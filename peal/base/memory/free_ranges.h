// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace peal {

// The free parts of so many bytes, of which ranges are taken and given back in any order.
class FreeRanges {
 public:
  explicit FreeRanges(std::size_t size_bytes) : size_bytes_(size_bytes) {}

  // The offset of the smallest free range that is long enough, or of what nobody has had so far;
  // nothing where neither suffices.
  [[nodiscard]] std::optional<std::size_t> take(std::size_t extent_bytes);
  // Gives back what was taken.
  void give(std::size_t offset, std::size_t extent_bytes);
  // What nobody has had so far, or has again.
  [[nodiscard]] std::size_t untouched_bytes() const { return size_bytes_ - used_; }

 private:
  void remove(std::map<std::size_t, std::size_t>::iterator range);

  std::size_t size_bytes_;
  std::map<std::size_t, std::size_t> free_;             // offset to size, below used_
  std::set<std::pair<std::size_t, std::size_t>> fits_;  // the same as (size, offset)
  std::size_t used_ = 0;
};

}  // namespace peal
