// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>

#include "peal/base/alignment.h"
#include "peal/checks/findings.h"
#include "peal/checks/order/lane_clock.h"

namespace peal {

// A line of the scalar cache, which is written back whole.
inline constexpr std::uint64_t scalar_line_bytes = cache_line_bytes;

[[nodiscard]] constexpr std::uint64_t scalar_line_of(std::uint64_t address) {
  return address / scalar_line_bytes * scalar_line_bytes;
}

// The lines that a core's scalar cache holds: when each was filled, and what of it is dirty.
struct ScalarLine {
  LaneClock filled;
  std::uint64_t dirty_begin = 0, dirty_end = 0;  // equal: clean
  SourceId place = 0;                            // of the last store to it
  std::uint32_t number = 0;                      // of that store in program order

  [[nodiscard]] bool is_dirty() const { return dirty_begin != dirty_end; }
};

using ScalarLines = std::map<std::uint64_t, ScalarLine>;

}  // namespace peal
