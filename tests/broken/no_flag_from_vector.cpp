// SPDX-License-Identifier: Apache-2.0
// The store may read the tile before the addition has written it.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  load(0, p.in);
  order(PIPE_MTE2, PIPE_V);
  add(1, 0, 0);  // first
  if (p.repaired) order(PIPE_V, PIPE_MTE3);
  store(p.out, 1);  // second
  drain();
}
