// SPDX-License-Identifier: Apache-2.0
// A step of 0 when a rank has no neighbour beyond itself.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  const volatile int step = p.repaired ? 1 : 0;
  put(p.out, p.in, length / step);  // first
  drain();
}
