// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "peal/chip/core.h"
#include "peal/run/kernel_failure.h"

namespace peal {

// What is wrong with an access of a kernel on that core, `what` such as "a load", that no region
// holds; nothing where no region is near it.
[[nodiscard]] std::optional<std::string> describe_outside(Core& core, const std::byte* data,
                                                          std::size_t bytes, const char* what);

// The same for one that the kernel's own code makes, and that neither on-chip memory, nor what the
// kernel is given, holds.
struct WrongAddress {
  std::string what;
  KernelFailure::Kind kind;
};
[[nodiscard]] WrongAddress describe_address(Core& core, const std::byte* data, std::size_t bytes,
                                            const char* what);

}  // namespace peal
