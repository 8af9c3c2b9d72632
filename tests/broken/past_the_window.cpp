// SPDX-License-Identifier: Apache-2.0
// The last load reaches one element past the window.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  float* const last = p.data.own + 7 * length;
  put(last, p.in);
  drain();
  const int more = p.repaired ? 0 : 1;
  load(1, last, length + more);  // first
  order(PIPE_MTE2, PIPE_MTE3);
  store(p.out, 1);
  drain();
}
