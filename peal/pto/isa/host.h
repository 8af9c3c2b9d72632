// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "peal/pto/isa/abi.h"

namespace peal {

// The functions that kernels call: each acts on the core that is running, after it has checked the
// addresses. A mistake of the kernel ends the run with a RunError that names rank, line and values.
[[nodiscard]] const pto_abi::Host& pto_host();

// Has to be called when a kernel is unloaded: another may take its addresses.
void forget_source_places();

}  // namespace peal
