// SPDX-License-Identifier: Apache-2.0
#include "peal/base/memory/free_ranges.h"

#include <iterator>

namespace peal {

std::optional<std::size_t> FreeRanges::take(std::size_t extent) {
  const auto fit = fits_.lower_bound({extent, 0});
  if (fit != fits_.end()) {
    const auto [size, offset] = *fit;
    remove(free_.find(offset));
    if (size > extent) give(offset + extent, size - extent);
    return offset;
  }
  if (extent > untouched_bytes()) return std::nullopt;
  used_ += extent;
  return used_ - extent;
}

void FreeRanges::give(std::size_t offset, std::size_t extent) {
  auto after = free_.lower_bound(offset);
  if (after != free_.end() && after->first == offset + extent) {
    extent += after->second;
    const auto next = std::next(after);
    remove(after);
    after = next;
  }
  if (after != free_.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second == offset) {
      offset = before->first;
      extent += before->second;
      remove(before);
    }
  }
  if (offset + extent == used_) {
    used_ = offset;
    return;
  }
  free_.emplace(offset, extent);
  fits_.emplace(extent, offset);
}

void FreeRanges::remove(std::map<std::size_t, std::size_t>::iterator range) {
  fits_.erase({range->second, range->first});
  free_.erase(range);
}

}  // namespace peal
