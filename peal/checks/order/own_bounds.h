// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "peal/machine/signal.h"

namespace peal {

// Between what a core knows a cell to be by its own doing: what the cell held at first, the core's
// waits for it, and what the core does to it, as long as others only add to it.
class OwnBounds {
 public:
  // What the cell holds at first.
  void begin(std::uint32_t core, std::uint32_t cell, std::uint32_t value) {
    const auto held = static_cast<std::int32_t>(value);
    bounds_.try_emplace({core, cell}, Bounds{held, held, value});
  }
  void add(std::uint32_t core, std::uint32_t cell, std::int64_t value);
  void set(std::uint32_t core, std::uint32_t cell, std::int64_t value);
  // A loop of looks ends, which none of these values has ended.
  void look(std::uint32_t core, std::uint32_t cell, const std::vector<std::uint64_t>& failed);
  // The least that the cell can hold.
  [[nodiscard]] std::int64_t least(std::uint32_t core, std::uint32_t cell) const {
    const auto found = bounds_.find({core, cell});
    return found == bounds_.end() ? INT64_MIN : found->second.least;
  }
  // Whether the comparison holds within the bounds already; it holds from here on.
  bool wait(std::uint32_t core, std::uint32_t cell, WaitCmp cmp, std::uint32_t threshold);

 private:
  struct Bounds {
    std::int64_t least = 0, most = 0;
    std::uint32_t reached = 0;  // for counts that may wrap
  };
  std::map<std::pair<std::uint32_t, std::uint32_t>, Bounds> bounds_;
};

}  // namespace peal
