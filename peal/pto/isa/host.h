// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "peal/pto/isa/abi.h"

namespace peal {

// This folder is the boundary between a PTO kernel and the simulated core. abi.h declares the table
// of functions that both sides are compiled against; read it first. This file implements the table;
// given_values.h, tile_operands.h and wrong_address.h hold the checks, shim.h what orchestration
// shims call.
//
// Returns the table. Each function acts on the core that is running on this thread, after it has
// checked every operand. A mistake of the kernel leaves the kernel without unwinding it and ends
// the run with a RunError that names rank, line and values; no function throws into the kernel.
[[nodiscard]] const pto_abi::Host& pto_host();

// Invalidates the cached source lines of addresses. Call it when a kernel is unloaded, since
// another may be loaded at its addresses.
void forget_source_places();

}  // namespace peal
