// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "peal/run/pipe.h"

namespace peal {

// The pipe's name in the PTO tile ISA, without the prefix PIPE_: "MTE2".
[[nodiscard]] constexpr const char* name(Pipe pipe) {
  constexpr const char* names[] = {"S", "V", "MTE1", "MTE2", "MTE3", "M", "ALL", "FIX", "DMA"};
  return names[static_cast<int>(pipe)];
}

}  // namespace peal
