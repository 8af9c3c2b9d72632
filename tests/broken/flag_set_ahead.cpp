// SPDX-License-Identifier: Apache-2.0
// The loads may get ahead of the additions, and set their flag again before it is waited for.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  for (int k = 0; k < 4; ++k) {
    const int id = p.repaired ? k : 0;
    load(k, p.in + k * line, line);
    set_flag(PIPE_MTE2, PIPE_V, id);  // first and second
    wait_flag(PIPE_MTE2, PIPE_V, id);
    add(4 + k, k, k, line);
  }
  drain();
  for (int k = 0; k < 4; ++k) store(p.out + k * line, 4 + k, line);
  drain();
}
