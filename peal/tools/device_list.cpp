// SPDX-License-Identifier: Apache-2.0
#include "peal/tools/device_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <set>
#include <system_error>

#include "peal/base/error.h"

namespace peal {
namespace {

constexpr const char* way_out = "use a list such as 0-3 or 0,2,5-7";

int parse_device(std::string_view list, std::string_view text) {
  int device = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, device);
  const bool is_number = rest == end && !text.empty() && text.front() != '-';
  if (!is_number || code == std::errc::invalid_argument) {
    throw UsageError(fmt::format("--devices `{}`: `{}` is no device; {}", list, text, way_out));
  }
  if (code != std::errc() || device >= max_ranks) {
    throw UsageError(fmt::format("--devices `{}`: device {} is beyond the last, {}; {}", list, text,
                                 max_ranks - 1, way_out));
  }
  return device;
}

}  // namespace

std::vector<int> parse_devices(std::string_view text) {
  std::vector<int> devices;
  std::set<int> seen;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view item = text.substr(begin, end - begin);
    const std::size_t dash = item.find('-');
    const int first = parse_device(text, item.substr(0, dash));
    const int last = dash == item.npos ? first : parse_device(text, item.substr(dash + 1));
    if (last < first) {
      throw UsageError(
          fmt::format("--devices `{}`: the range {} descends; use {}-{}", text, item, last, first));
    }
    for (int device = first; device <= last; ++device) {
      if (!seen.insert(device).second) {
        throw UsageError(fmt::format("--devices `{}`: device {} is named twice; name each one once",
                                     text, device));
      }
      devices.push_back(device);
    }
    begin = end + 1;
  }
  return devices;
}

}  // namespace peal
