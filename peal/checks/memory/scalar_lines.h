// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
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

// The bytes of one line that lie in [begin, end): bit i is byte i of the line.
[[nodiscard]] constexpr std::uint64_t bytes_in_line(std::uint64_t line, std::uint64_t begin,
                                                    std::uint64_t end) {
  static_assert(scalar_line_bytes == 64);
  const std::uint64_t from = std::max(begin, line), to = std::min(end, line + scalar_line_bytes);
  if (from >= to) return 0;
  return (~std::uint64_t{0} >> (64 - (to - from))) << (from - line);
}

// Calls `visit(begin, end)` for each run of consecutive bytes of the set.
template <class Visit>
constexpr void for_each_run(std::uint64_t line, std::uint64_t bytes, Visit&& visit) {
  while (bytes != 0) {
    const int first = std::countr_zero(bytes), count = std::countr_one(bytes >> first);
    visit(line + static_cast<std::uint64_t>(first),
          line + static_cast<std::uint64_t>(first + count));
    bytes &= ~bytes_in_line(0, static_cast<std::uint64_t>(first),
                            static_cast<std::uint64_t>(first + count));
  }
}

// A line that a core's scalar cache holds: the core's clock at the fill, and its dirty bytes.
struct ScalarLine {
  LaneClock filled;
  std::uint64_t dirty = 0;   // bytes_in_line()
  SourceId place = 0;        // the last store to it
  std::uint32_t number = 0;  // of that store, in program order

  [[nodiscard]] bool is_dirty() const { return dirty != 0; }
};

using ScalarLines = std::map<std::uint64_t, ScalarLine>;  // by address

}  // namespace peal
