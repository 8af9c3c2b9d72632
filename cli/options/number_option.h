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

// Parses a whole number. Throws Error, which names `option` and `text`, for any other text and for
// a number outside the range.
[[nodiscard]] std::uint64_t parse_number(std::string_view option, std::string_view text,
                                         const NumberRange& range);

// Parses a whole number with an optional suffix K, M or G, for 2^10, 2^20 or 2^30. Returns nothing
// for any other text.
[[nodiscard]] std::optional<std::uint64_t> scaled_number(std::string_view text);

// As parse_number(), but with the suffixes of scaled_number().
[[nodiscard]] std::uint64_t parse_count(std::string_view option, std::string_view text,
                                        const NumberRange& range);

// The sizes in bytes from --smallest (default 8) to --largest (default 64M or, if --smallest is
// given, --smallest), each --factor (default 4) times the one before. Throws as parse_number()
// does.
[[nodiscard]] std::vector<std::uint64_t> parse_sizes(const std::optional<std::string>& smallest,
                                                     const std::optional<std::string>& largest,
                                                     const std::optional<std::string>& factor);

// Parses --time-limit: the seconds of host time that a kernel may take between two instructions of
// the chip. Throws Error for any other text.
[[nodiscard]] double parse_time_limit(std::string_view text);

}  // namespace peal
