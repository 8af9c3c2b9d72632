// SPDX-License-Identifier: Apache-2.0
#include "cli/number_option.h"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

#include "peal/base/error.h"

namespace peal {

std::uint64_t parse_number(std::string_view option, std::string_view text,
                           const NumberRange& range) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, number);
  if (code != std::errc() || rest != end || number < range.lowest || number > range.highest) {
    throw Error(fmt::format("{} `{}` is not possible; use a whole number from {} to {}", option,
                            text, range.lowest, range.highest));
  }
  return number;
}

double parse_time_limit(std::string_view text) {
  return static_cast<double>(parse_number("--time-limit", text, {.lowest = 1, .highest = 86400}));
}

}  // namespace peal
