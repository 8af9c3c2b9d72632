// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "peal/base/api.h"

namespace PEAL_API peal {

// A rank's arguments of a split.
struct SplitEntry {
  std::int32_t color = 0;
  std::int32_t key = 0;
};

// Returns the old ranks of the members of the new team of `color`, in the order of their new ranks:
// by key, then by old rank. `entries` has one entry for each old rank. A negative color has no
// team, and gives an empty result.
[[nodiscard]] std::vector<int> ranks_of_color(std::span<const SplitEntry> entries,
                                              std::int32_t color);

}  // namespace peal
