// SPDX-License-Identifier: Apache-2.0
// The kernel ends while its output is in flight.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  load(0, p.in);
  order(PIPE_MTE2, PIPE_MTE3);
  store(p.out, 0);  // first
  if (p.repaired) drain();
}
