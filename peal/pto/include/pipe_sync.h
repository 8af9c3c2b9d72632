// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "intrinsic.h"

// A kernel ends with this: waits until all that it has issued is complete and visible to others.
inline void pipe_sync(peal::pto_abi::Place place = peal::kernel_side::here()) {
  pipe_barrier(PIPE_ALL, place);
  dsb(DSB_ALL, place);
}
