// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace peal {

// The byte ranges of its own memory to which a rank has issued stores that no flag or barrier has
// ordered later accesses after. Verbs take effect on a rank's own memory in program order, so a
// later access to one of these ranges needs a flag (before a load) or a barrier (before a store).
class OwnStores {
 public:
  static constexpr std::size_t capacity = 16;

  [[nodiscard]] bool overlap(const std::byte* data, std::size_t size_bytes) const {
    for (const Range& range : ranges_) {
      if (data < range.end && range.begin < data + size_bytes) return true;
    }
    return false;
  }
  // A range that continues the last one extends it, so that the pieces of a transfer use one entry.
  void add(const std::byte* data, std::size_t size_bytes) {
    if (!ranges_.empty() && ranges_.back().end == data) {
      ranges_.back().end += size_bytes;
    } else {
      ranges_.push_back({data, data + size_bytes});
    }
  }
  [[nodiscard]] bool full() const { return ranges_.size() >= capacity; }
  void clear() { ranges_.clear(); }

 private:
  struct Range {
    const std::byte* begin;
    const std::byte* end;
  };
  std::vector<Range> ranges_;
};

}  // namespace peal
