// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "peal/base/api.h"

namespace PEAL_API peal {

// The units of a core, numbered as in the PTO tile ISA. `all` is for barriers only. `dma`, which
// has no number there, is the engine of asynchronous transfers within global memory.
enum class Pipe : std::uint8_t {
  scalar = 0,
  vector = 1,
  mte1 = 2,
  mte2 = 3,
  mte3 = 4,
  cube = 5,
  all = 6,
  fix = 7,
  dma = 8,
};

inline constexpr int pipe_count = 9;

}  // namespace peal
