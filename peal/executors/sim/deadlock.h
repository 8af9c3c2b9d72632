// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "peal/chip/core/core.h"
#include "peal/chip/fabric.h"
#include "peal/run/deadlock.h"

namespace peal {

// Describes what a core waits for at a deadlock, or that it has finished.
[[nodiscard]] StandingCore describe(const Core& core);

// The report of a run in which no step is left although some core has not finished: what each core
// waits for, and what its cell holds. That is a deadlock by Fabric::step's contract.
[[nodiscard]] Deadlock deadlock(Fabric& fabric);

}  // namespace peal
