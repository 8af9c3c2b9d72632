// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/split.h"

#include <algorithm>
#include <cstddef>

namespace peal {

std::vector<int> ranks_of_color(std::span<const SplitEntry> entries, std::int32_t color) {
  std::vector<int> ranks;
  if (color < 0) return ranks;
  for (std::size_t rank = 0; rank < entries.size(); ++rank) {
    if (entries[rank].color == color) ranks.push_back(static_cast<int>(rank));
  }
  std::stable_sort(ranks.begin(), ranks.end(), [&](int a, int b) {
    return entries[static_cast<std::size_t>(a)].key < entries[static_cast<std::size_t>(b)].key;
  });
  return ranks;
}

}  // namespace peal
