// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "peal/machine/reduce_op.h"
#include "peal/machine/view.h"

namespace peal {

// What a rank's send is filled with before a call.
//
// The ramp: element i of rank r is i + 100 r, reduced so that the result over all ranks is exact in
// the type, whatever the order: small enough for a sum of floats, a power of two up to 16 for a
// product (ones and few twos, which vary with element and rank).
// Random: floats are uniform in [-1, 1), for products in [0.5, 1.5), integers over their full
// range; an element depends on seed, rank, call and index, not on the number of ranks.
struct Fill {
  enum class Kind : std::uint8_t { ramp, rand };

  Kind kind = Kind::ramp;
  std::uint64_t seed = 0;
  int ranks = 1;
  std::optional<ReduceOp> op;  // what the elements are combined by, if they are

  // Fills `view`, the send of `rank`. Each call of a run has other elements, so that what is left
  // from the call before is a wrong result.
  void apply(int rank, std::uint64_t call, const View& view) const;
};

}  // namespace peal
