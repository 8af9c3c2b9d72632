// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "peal/machine/signal.h"

namespace peal {

// For each (core, cell) an interval that contains the cell's value, derived from that core alone:
// the initial value, its own operations on the cell, and the waits that it has passed. Valid as
// long as other cores do nothing against the comparison that is asked (Striking::others_only_help
// decides that). A wait that holds within the interval needs no notify by others.
class OwnBounds {
 public:
  // Sets the initial value, once for each (core, cell); required before all else.
  void begin(std::uint32_t core, std::uint32_t cell, std::uint32_t value) {
    const auto held = static_cast<std::int32_t>(value);
    bounds_.try_emplace({core, cell}, Bounds{held, held, value});
  }
  // The core itself adds to the cell, or sets it.
  void add(std::uint32_t core, std::uint32_t cell, std::int64_t value);
  void set(std::uint32_t core, std::uint32_t cell, std::int64_t value);
  // A loop of looks has ended, and none of the `failed` values ended it: raises the lower bound
  // past those of them that adjoin it.
  void look(std::uint32_t core, std::uint32_t cell, const std::vector<std::uint64_t>& failed);
  // The lower bound of the cell; INT64_MIN if nothing is known.
  [[nodiscard]] std::int64_t least(std::uint32_t core, std::uint32_t cell) const {
    const auto found = bounds_.find({core, cell});
    return found == bounds_.end() ? INT64_MIN : found->second.least;
  }
  // Returns true if the comparison holds everywhere within the bounds, then narrows the bounds to
  // the values for which it holds. For `reached`, only the largest count waited for is kept, mod
  // 2^32.
  bool wait(std::uint32_t core, std::uint32_t cell, WaitCmp cmp, std::uint32_t threshold);

 private:
  struct Bounds {
    std::int64_t least = 0, most = 0;
    std::uint32_t reached = 0;  // lower bound for `reached`, modulo 2^32
  };
  std::map<std::pair<std::uint32_t, std::uint32_t>, Bounds> bounds_;
};

}  // namespace peal
