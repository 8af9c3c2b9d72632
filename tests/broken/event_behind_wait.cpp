// SPDX-License-Identifier: Apache-2.0
// Two fences of one pipe under one number, one after the other: but nothing makes the vector pipe
// wait until the first has been waited for, and then they are alive at once.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  const int other = p.repaired ? EVENT_ID1 : EVENT_ID0;
  load(0, p.in);
  order(PIPE_MTE2, PIPE_V);
  move(1, 0);
  order(PIPE_V, PIPE_MTE2);  // first
  load(0, p.in);
  order(PIPE_V, PIPE_MTE3, other);  // second
  store(p.out, 1);
  drain();
}
