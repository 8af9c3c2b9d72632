// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace peal {

// What a core of a chip is for: vectors, with a unified buffer, or products of matrices, with L1,
// L0A, L0B and L0C.
enum class CoreType : std::uint8_t { aiv, aic };

[[nodiscard]] constexpr const char* name(CoreType type) {
  return type == CoreType::aiv ? "aiv" : "aic";
}

}  // namespace peal
