// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace peal {

// A place in a source file. As a default argument, `here()` is the place of the outermost call;
// clang 14 has no std::source_location.
struct SourcePlace {
  const char* file = "";
  std::uint32_t line = 0;

  static constexpr SourcePlace here(const char* file = __builtin_FILE(),
                                    std::uint32_t line = __builtin_LINE()) {
    return {file, line};
  }
};

// Of accesses that the caller of kernels makes, which are in no kernel.
inline constexpr SourcePlace outside_of_kernels{};

}  // namespace peal
