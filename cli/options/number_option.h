// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peal {

struct NumberRange {
  std::uint64_t lowest = 0;
  std::uint64_t highest = UINT64_MAX;
};

// The whole number that was given for `option`. Throws Error, which names both, for any other text
// and for a number outside the range.
[[nodiscard]] std::uint64_t parse_number(std::string_view option, std::string_view text,
                                         const NumberRange& range);

// A whole number behind which K, M or G may stand for 2^10, 2^20 or 2^30; nothing for other texts.
[[nodiscard]] std::optional<std::uint64_t> scaled_number(std::string_view text);

// As parse_number(), of a text for scaled_number().
[[nodiscard]] std::uint64_t parse_count(std::string_view option, std::string_view text,
                                        const NumberRange& range);

// Bytes from --smallest to --largest (8 and 64M, or only the smallest if that is given), each the
// --factor (4) of the one before. "64M" is 64 x 2^20. Throws as parse_number() does.
[[nodiscard]] std::vector<std::uint64_t> parse_sizes(const std::optional<std::string>& smallest,
                                                     const std::optional<std::string>& largest,
                                                     const std::optional<std::string>& factor);

// The seconds that --time-limit gives a kernel between two instructions of the chip.
[[nodiscard]] double parse_time_limit(std::string_view text);

}  // namespace peal
