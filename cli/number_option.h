// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace peal {

struct NumberRange {
  std::uint64_t lowest = 0;
  std::uint64_t highest = UINT64_MAX;
};

// The whole number that was given for `option`. Throws Error, which names both, for any other text
// and for a number outside the range.
[[nodiscard]] std::uint64_t parse_number(std::string_view option, std::string_view text,
                                         const NumberRange& range);

// The seconds that --time-limit gives a kernel between two instructions of the chip.
[[nodiscard]] double parse_time_limit(std::string_view text);

}  // namespace peal
