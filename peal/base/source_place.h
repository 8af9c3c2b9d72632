// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "peal/base/api.h"

namespace PEAL_API peal {

// Whose code a source place is in.
enum class SourceOrigin : std::uint8_t {
  kernel,   // the program's own, such as its kernels
  library,  // an algorithm of Peal's own collectives
  call,     // what Peal does around the algorithm in a collective call: its copies and its flush
  runtime,  // what starts kernels, and waits for tasks
};
inline constexpr int source_origin_count = static_cast<int>(SourceOrigin::runtime) + 1;

// The origin of the places that this translation unit takes: the build of libpeal alone defines
// PEAL_COMPILES_LIBRARY. A default argument is evaluated where the function is called, so programs
// and libpeal share here(), and each passes its own.
#ifdef PEAL_COMPILES_LIBRARY
constexpr SourceOrigin origin_here = SourceOrigin::library;
#else
constexpr SourceOrigin origin_here = SourceOrigin::kernel;
#endif

// A place in a source file. As a default argument, `here()` gives the place of the call whose
// argument it is. Replaces std::source_location, which clang 14 lacks. It is two words long, since
// every verb passes one in registers.
struct SourcePlace {
  const char* file = "";
  std::uint32_t line = 0;
  SourceOrigin origin = SourceOrigin::kernel;

  static constexpr SourcePlace here(SourceOrigin origin = origin_here,
                                    const char* file = __builtin_FILE(),
                                    std::uint32_t line = __builtin_LINE()) {
    return {file, line, origin};
  }
};
static_assert(sizeof(SourcePlace) == 2 * sizeof(void*));

// The place of accesses that the host makes, outside of kernels.
inline constexpr SourcePlace outside_of_kernels{};

}  // namespace peal
