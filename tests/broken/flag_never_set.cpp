// SPDX-License-Identifier: Apache-2.0
// The store waits for a flag of the vector unit, which has nothing to do.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  load(0, p.in);
  order(PIPE_MTE2, PIPE_MTE3);
  if (p.repaired) set_flag(PIPE_V, PIPE_MTE3, EVENT_ID0);
  wait_flag(PIPE_V, PIPE_MTE3, EVENT_ID0);  // first
  store(p.out, 0);
  drain();
}
