// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

namespace peal {

// No team is larger, and no device has a higher number than this less one.
inline constexpr int max_ranks = 65536;

// The devices of a list such as `0-3` or `0,2,5-7`, in its order; rank r runs on the r-th of them.
// Throws Error for a range that descends, a device named twice, or anything else.
[[nodiscard]] std::vector<int> parse_devices(std::string_view text);

}  // namespace peal
