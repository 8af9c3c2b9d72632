// SPDX-License-Identifier: Apache-2.0
#include "cli/options/number_option.h"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

#include "peal/base/error.h"

namespace peal {
namespace {

constexpr std::uint64_t max_size_bytes = std::uint64_t{1} << 34;

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, number);
  if (code != std::errc() || rest != end) return std::nullopt;
  return number;
}

std::uint64_t parse_size(const char* option, std::string_view text) {
  const std::optional<std::uint64_t> number = scaled_number(text);
  if (!number || *number < 1 || *number > max_size_bytes) {
    throw UsageError(
        fmt::format("{} `{}` is not possible; use a whole number of bytes from 1 to 16G, "
                    "such as 8, 4K or 64M",
                    option, text));
  }
  return *number;
}

}  // namespace

std::optional<std::uint64_t> scaled_number(std::string_view text) {
  constexpr std::string_view units = "KMG";
  std::uint64_t scale = 1;
  if (!text.empty()) {
    const auto unit = units.find(static_cast<char>(std::toupper(text.back())));
    if (unit != units.npos) {
      scale = std::uint64_t{1} << (10 * (unit + 1));
      text.remove_suffix(1);
    }
  }
  const std::optional<std::uint64_t> number = whole_number(text);
  if (!number || *number > UINT64_MAX / scale) return std::nullopt;
  return scale * *number;
}

std::uint64_t parse_count(std::string_view option, std::string_view text,
                          const NumberRange& range) {
  const std::optional<std::uint64_t> number = scaled_number(text);
  if (!number || *number < range.lowest || *number > range.highest) {
    throw UsageError(fmt::format(
        "{} `{}` is not possible; use a whole number from {} to {}, such as 1000 or 64K", option,
        text, range.lowest, range.highest));
  }
  return *number;
}

std::uint64_t parse_number(std::string_view option, std::string_view text,
                           const NumberRange& range) {
  const std::optional<std::uint64_t> number = whole_number(text);
  if (!number || *number < range.lowest || *number > range.highest) {
    throw UsageError(fmt::format("{} `{}` is not possible; use a whole number from {} to {}",
                                 option, text, range.lowest, range.highest));
  }
  return *number;
}

std::vector<std::uint64_t> parse_sizes(const std::optional<std::string>& smallest,
                                       const std::optional<std::string>& largest,
                                       const std::optional<std::string>& factor) {
  const std::uint64_t first = parse_size("--smallest", smallest.value_or("8"));
  const std::uint64_t last = parse_size("--largest", largest ? *largest : smallest.value_or("64M"));
  const std::uint64_t step =
      parse_number("--factor", factor.value_or("4"), {.lowest = 2, .highest = 1024});
  if (last < first) {
    throw UsageError(fmt::format("--largest {} is below --smallest {}; give sizes that ascend",
                                 *largest, smallest.value_or("8")));
  }
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t size = first; size <= last; size *= step) sizes.push_back(size);
  return sizes;
}

double parse_time_limit(std::string_view text) {
  return static_cast<double>(parse_number("--time-limit", text, {.lowest = 1, .highest = 86400}));
}

}  // namespace peal
