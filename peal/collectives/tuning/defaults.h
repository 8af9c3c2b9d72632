// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "peal/collectives/registry.h"
#include "peal/collectives/tuning/measured_choices.h"

namespace peal {

// True if `auto` may take the algorithm on a real host: it needs no staging, and if it reduces, it
// does so in rank order, so that results have the same bits on every rank and in every run.
[[nodiscard]] bool is_candidate(const Algorithm& algorithm, const Placement& placement,
                                std::size_t block_bytes);

// True if the collective has an algorithm that works directly on windows with this placement.
[[nodiscard]] bool uses_windows(Collective collective, const Placement& placement);

// The algorithm for conditions that nothing was measured for, by built-in thresholds.
[[nodiscard]] const Algorithm& default_algorithm(const ChoiceConditions& conditions,
                                                 std::size_t block_bytes);

}  // namespace peal
