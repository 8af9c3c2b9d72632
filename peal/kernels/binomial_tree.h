// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>

#include "peal/machine/rank.h"

namespace peal {

// A binomial tree over the ranks of a team. Positions count from the root. The parent of v is v
// without its lowest set bit; its children are v + bit for each lower bit, if < ranks.
struct BinomialTree {
  int ranks;
  Rank root;

  // The position of a rank; and the rank at a position.
  [[nodiscard]] int position(int rank) const { return (rank - root.index + ranks) % ranks; }
  [[nodiscard]] Rank at(int position) const { return {(position + root.index) % ranks}; }

  [[nodiscard]] static int parent(int position) { return position & (position - 1); }
  // The index of a position among its parent's children: the index of its lowest set bit.
  [[nodiscard]] static int child_number(int position) {
    return std::countr_zero(static_cast<unsigned>(position));
  }
  // The upper bound of the children's bits: the position's lowest set bit; `ranks` for the root.
  [[nodiscard]] int child_bits_end(int position) const {
    return position == 0 ? ranks : position & -position;
  }
  [[nodiscard]] int children(int position) const {
    int count = 0;
    for (int bit = 1; bit < child_bits_end(position) && position + bit < ranks; bit *= 2) ++count;
    return count;
  }
};

}  // namespace peal
