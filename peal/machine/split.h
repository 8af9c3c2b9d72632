// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace peal {

// What a rank gives to a split of its team.
struct SplitEntry {
  std::int32_t color = 0;
  std::int32_t key = 0;
};

// The ranks of that color in the order of their ranks in the new team: by key, and of one key by
// rank. `entries` are all ranks', in their order; no rank is of a negative color.
[[nodiscard]] std::vector<int> ranks_of_color(std::span<const SplitEntry> entries,
                                              std::int32_t color);

}  // namespace peal
