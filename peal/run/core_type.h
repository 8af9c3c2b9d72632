// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "peal/base/api.h"

namespace PEAL_API peal {

// The type of a chip's core: a vector core (aiv), with a unified buffer, or a cube core (aic) for
// matrix products, with L1, L0A, L0B and L0C.
enum class CoreType : std::uint8_t { aiv, aic };

[[nodiscard]] constexpr const char* name(CoreType type) {
  return type == CoreType::aiv ? "aiv" : "aic";
}

}  // namespace peal
