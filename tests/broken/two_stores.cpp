// SPDX-License-Identifier: Apache-2.0
// Two stores of one pipe to the same bytes may become visible in either order.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  load(0, p.in + 0);
  load(1, p.in + 0);
  order(PIPE_MTE2, PIPE_V);
  add(0, 0, 1);
  order(PIPE_V, PIPE_MTE3);
  store(p.out, 0);  // first
  if (p.repaired) pipe_barrier(PIPE_MTE3);
  store(p.out, 1);  // second
  drain();
}
