// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "peal/base/api.h"

namespace PEAL_API peal {

// A place in a source file. As a default argument, `here()` gives the place of the call whose
// argument it is. Replaces std::source_location, which clang 14 lacks.
struct SourcePlace {
  const char* file = "";
  std::uint32_t line = 0;

  static constexpr SourcePlace here(const char* file = __builtin_FILE(),
                                    std::uint32_t line = __builtin_LINE()) {
    return {file, line};
  }
};

// The place of accesses that the host makes, outside of kernels.
inline constexpr SourcePlace outside_of_kernels{};

}  // namespace peal
