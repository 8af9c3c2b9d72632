// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>

#include "peal/base/alignment.h"
#include "peal/checks/findings.h"
#include "peal/checks/order/lane_clock.h"

namespace peal {

// Bytes of a line of the scalar cache, the unit of fill and write-back.
inline constexpr std::uint64_t scalar_line_bytes = cache_line_bytes;

[[nodiscard]] constexpr std::uint64_t scalar_line_of(std::uint64_t address) {
  return address / scalar_line_bytes * scalar_line_bytes;
}

// A line that a core's scalar cache holds: the core's clock at the fill, and its dirty bytes.
struct ScalarLine {
  LaneClock filled;
  std::uint64_t dirty_begin = 0, dirty_end = 0;  // equal: clean
  SourceId place = 0;                            // the last store to it
  std::uint32_t number = 0;                      // of that store, in program order

  [[nodiscard]] bool is_dirty() const { return dirty_begin != dirty_end; }
};

using ScalarLines = std::map<std::uint64_t, ScalarLine>;  // by address

}  // namespace peal
