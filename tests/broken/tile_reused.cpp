// SPDX-License-Identifier: Apache-2.0
// The second load may overwrite the tile before the first store has read it.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  for (int k = 0; k < 2; ++k) {
    load(0, p.in + k * 32, 32);  // second
    order(PIPE_MTE2, PIPE_MTE3);
    store(p.out + k * 32, 0, 32);  // first
    if (p.repaired) order(PIPE_MTE3, PIPE_MTE2);
  }
  drain();
}
