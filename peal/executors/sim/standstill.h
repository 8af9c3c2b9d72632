// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "peal/chip/fabric.h"
#include "peal/executors/sim/memory.h"
#include "peal/machine/standstill.h"

namespace peal {

// The report of a run in which no step is left though not every rank has finished: who waits for
// what, and what it holds.
[[nodiscard]] Standstill standstill(Fabric& fabric, const SimMemory& memory);

}  // namespace peal
