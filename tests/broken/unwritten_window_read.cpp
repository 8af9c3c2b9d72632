// SPDX-License-Identifier: Apache-2.0
// A rank looks at an element of its window that nobody has written.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  put(p.out, p.in);
  drain();
  if (p.repaired) return;
  if (ld_dev(p.data.own) > 1e30f) st_dev(0.0f, p.out);  // first
}
