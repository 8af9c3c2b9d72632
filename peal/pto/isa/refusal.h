// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "peal/chip/core/core.h"
#include "peal/pto/isa/abi.h"
#include "peal/run/kernel_failure.h"

// Refuses an instruction of the PTO kernel that is running on this thread: throws KernelFailure
// with its rank and core, which the boundary in host.cpp turns into the end of the run.
namespace peal::pto_refusal {

// The core that is running on this thread. A PEAL_CHECK fails if there is none.
[[nodiscard]] Core& core();

// `what` is a clause about the kernel, such as "TADDS of ...".
[[noreturn]] void refuse_at(const FailurePlace& place, const std::string& what,
                            KernelFailure::Kind kind = KernelFailure::Kind::other);
[[noreturn]] void refuse(pto_abi::Place place, const std::string& what,
                         KernelFailure::Kind kind = KernelFailure::Kind::other);

}  // namespace peal::pto_refusal
