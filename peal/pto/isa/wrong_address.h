// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "peal/chip/core/core.h"
#include "peal/run/kernel_failure.h"

namespace peal {

// A clause that describes an access to global memory that no region contains, by the region that it
// overruns or the peer whose private memory it hits; nothing if no region is near. `what` names the
// access, such as "a load".
[[nodiscard]] std::optional<std::string> describe_outside(Core& core, const std::byte* data,
                                                          std::size_t bytes, const char* what);

// The same for a load or store of the kernel's own code, which may also be to on-chip memory or to
// memory of the process. Always has a description, and the class of mistake.
struct WrongAddress {
  std::string what;
  KernelFailure::Kind kind;
};
[[nodiscard]] WrongAddress describe_address(Core& core, const std::byte* data, std::size_t bytes,
                                            const char* what);

}  // namespace peal
