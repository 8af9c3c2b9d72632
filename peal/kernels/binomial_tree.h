// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>

#include "peal/machine/rank.h"

namespace peal {

// A binomial tree over the ranks of a team, numbered from its root: the parent of v is v without
// its lowest set bit, its children are v + bit for the bits below that, while they exist.
struct BinomialTree {
  int ranks;
  Rank root;

  // The position of a rank, counted from the root; and the rank at a position.
  [[nodiscard]] int position(int rank) const { return (rank - root.index + ranks) % ranks; }
  [[nodiscard]] Rank at(int position) const { return {(position + root.index) % ranks}; }

  [[nodiscard]] static int parent(int position) { return position & (position - 1); }
  // Which of its parent's children a position is: the number of its lowest set bit.
  [[nodiscard]] static int child_number(int position) {
    return std::countr_zero(static_cast<unsigned>(position));
  }
  // The bit that ends the children of a position: its lowest set bit; the root has no end.
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
