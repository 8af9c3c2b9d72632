// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "peal/machine/reduce_op.h"
#include "peal/machine/view.h"

namespace peal {

// The values that a rank's send is filled with before a call.
//
// ramp: element i of rank r is i + 100 r modulo a limit, chosen so that the reduction over all
// ranks is exact in the type, in any order: small values for a sum of floats; for a product ones
// and up to four twos, whose places vary with element and rank.
// rand: floats are uniform in [-1, 1), for products in [0.5, 1.5); integers are uniform over their
// range. An element depends on seed, rank, call and index, not on the number of ranks.
struct Fill {
  enum class Kind : std::uint8_t { ramp, rand };

  Kind kind = Kind::ramp;
  std::uint64_t seed = 0;
  int ranks = 1;
  std::optional<ReduceOp> op;  // the reduction of the elements, if any

  // Fills `view`, the send of `rank`. The values differ from call to call, so that a stale result
  // of an earlier call is a wrong result.
  void apply(int rank, std::uint64_t call, const View& view) const;
};

}  // namespace peal
