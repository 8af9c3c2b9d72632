// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "peal/collectives/registry.h"
#include "peal/collectives/tuning/measured_choices.h"
#include "peal/machine/collective.h"
#include "peal/run/executor.h"

namespace peal {

// A collective on so many ranks, with buffers in windows or in memory of their own, for which the
// best algorithm of each size is wanted.
struct TuningCase {
  Collective collective{};
  int ranks = 2;
  bool in_windows = false;

  [[nodiscard]] Placement placement() const {
    return {.send_in_window = in_windows, .recv_in_window = in_windows};
  }
  // Of a block, in bytes, ascending.
  [[nodiscard]] std::vector<std::size_t> sizes() const;
  // The algorithms among which `auto` may choose.
  [[nodiscard]] std::vector<const Algorithm*> candidates() const;
};

// Measures the case on the executor's host, and says which algorithm is the best for which sizes.
[[nodiscard]] MeasuredChoice measure_choice(Executor& executor, const TuningCase& of);

}  // namespace peal
