// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

namespace peal {

// The upper limit of a team's size and of device numbers + 1.
inline constexpr int max_ranks = 65536;

// Parses a list of devices such as `0-3` or `0,2,5-7`; rank r runs on the r-th entry. Throws Error
// for a descending range, a device named twice, or any other text.
[[nodiscard]] std::vector<int> parse_devices(std::string_view text);

}  // namespace peal
