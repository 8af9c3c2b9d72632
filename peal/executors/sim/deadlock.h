// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "peal/chip/core.h"
#include "peal/chip/fabric.h"
#include "peal/run/deadlock.h"

namespace peal {

// What a core does that has come to a deadlock.
[[nodiscard]] StandingCore describe(const Core& core);

// The report of a run in which no step is left though not every rank has finished: who waits for
// what, and what it holds.
[[nodiscard]] Deadlock deadlock(Fabric& fabric);

}  // namespace peal
