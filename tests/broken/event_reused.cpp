// SPDX-License-Identifier: Apache-2.0
// Two fences of one pipe are alive at once under one number: on silicon it is one event.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  const int other = p.repaired ? EVENT_ID1 : EVENT_ID0;
  load(0, p.in, 32);
  load(1, p.in + 32, 32);
  set_flag(PIPE_MTE2, PIPE_V, EVENT_ID0);  // first
  set_flag(PIPE_MTE2, PIPE_MTE3, other);   // second
  wait_flag(PIPE_MTE2, PIPE_V, EVENT_ID0);
  move(2, 1, 32);
  wait_flag(PIPE_MTE2, PIPE_MTE3, other);
  store(p.out, 0, 32);
  order(PIPE_V, PIPE_MTE3, EVENT_ID2);
  store(p.out + 32, 2, 32);
  drain();
}
