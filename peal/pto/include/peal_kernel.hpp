// SPDX-License-Identifier: Apache-2.0
#pragma once

// Force-included (-include) before every PTO kernel: access to the simulator's table of functions.

#include <cstddef>
#include <cstdint>

#include "peal/pto/isa/abi.h"

#define AICORE

namespace peal::kernel_side {

using pto_abi::Place;

// Of this kernel's object alone, and written once, before it runs. A global, because instructions
// are calls without a parameter that could lead to the table.
[[gnu::visibility("hidden")]] inline const pto_abi::Host* host = nullptr;

constexpr Place here(const char* file = __builtin_FILE(), std::uint32_t line = __builtin_LINE()) {
  return {file, line};
}

}  // namespace peal::kernel_side

// Called by LoadedObject. Returns false if the kernel was built for another version of the table.
extern "C" [[gnu::visibility("default"), gnu::used]] inline bool peal_pto_bind(
    const peal::pto_abi::Host* host, std::uint32_t version) {
  peal::kernel_side::host = host;
  return version == peal::pto_abi::version;
}
