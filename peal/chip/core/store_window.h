// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "peal/base/units.h"

namespace peal {

// The stores of one pipe that have been executed and are not visible yet. They are numbered by
// execution, modulo 2^32, and may become visible in any order. All stores before `first_pending_`
// are visible. Bit k of `visible_` is set if store first_pending_ + k is visible already, out of
// order; so at most 64 stores are in flight.
class StoreWindow {
 public:
  // The number of stores executed so far, which is the number of the next one.
  [[nodiscard]] std::uint32_t executed() const { return executed_; }
  [[nodiscard]] bool is_full() const { return executed_ - first_pending_ == 64; }
  [[nodiscard]] bool has_invisible() const { return executed_ != first_pending_; }
  // True if the first `count` stores are visible; counts are compared modulo 2^32.
  [[nodiscard]] bool has_seen(std::uint32_t count) const {
    return static_cast<std::int32_t>(first_pending_ - count) >= 0;
  }
  // The latest time at which a store has become visible.
  [[nodiscard]] Picoseconds last_visible() const { return last_visible_; }

  // Executes a store and returns its number. Precondition: the window is not full.
  std::uint32_t execute() { return executed_++; }
  // Store `number` is visible. If it was the oldest invisible one, the window slides past the run
  // of ones at its low end. True if it slides.
  bool see(std::uint32_t number, Picoseconds time) {
    visible_ |= std::uint64_t{1} << (number - first_pending_);
    const int run = std::countr_one(visible_);
    visible_ = run == 64 ? 0 : visible_ >> run;
    first_pending_ += static_cast<std::uint32_t>(run);
    last_visible_ = std::max(last_visible_, time);
    return run > 0;
  }

 private:
  std::uint32_t executed_ = 0, first_pending_ = 0;
  std::uint64_t visible_ = 0;
  Picoseconds last_visible_ = 0;
};

}  // namespace peal
