// SPDX-License-Identifier: Apache-2.0
// A flag is one bit: setting it again before it is waited for is lost.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  load(0, p.in, 32);
  set_flag(PIPE_MTE2, PIPE_MTE3, EVENT_ID0);  // first
  load(1, p.in + 32, 32);
  if (!p.repaired) set_flag(PIPE_MTE2, PIPE_MTE3, EVENT_ID0);  // second
  if (p.repaired) set_flag(PIPE_MTE2, PIPE_MTE3, EVENT_ID1);
  wait_flag(PIPE_MTE2, PIPE_MTE3, EVENT_ID0);
  if (p.repaired) wait_flag(PIPE_MTE2, PIPE_MTE3, EVENT_ID1);
  store(p.out, 0, 32);
  store(p.out + 32, 1, 32);
  drain();
}
