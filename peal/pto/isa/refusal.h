// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "peal/chip/core.h"
#include "peal/pto/isa/abi.h"
#include "peal/run/kernel_failure.h"

// How an instruction of a PTO kernel is refused: the run ends with a mistake of the kernel that is
// running on this thread.
namespace peal::pto_refusal {

// The core whose kernel is running.
[[nodiscard]] Core& core();

// `where` is "file:line".
[[noreturn]] void refuse_at(const std::string& where, const std::string& what,
                            KernelFailure::Kind kind = KernelFailure::Kind::other);
[[noreturn]] void refuse(pto_abi::Place place, const std::string& what,
                         KernelFailure::Kind kind = KernelFailure::Kind::other);

}  // namespace peal::pto_refusal
