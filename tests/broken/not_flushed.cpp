// SPDX-License-Identifier: Apache-2.0
// The output is still in the scalar cache when the kernel ends.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  for (int i = 0; i < length; ++i) p.out[i] = p.in[i];  // first
  if (p.repaired) dcci(p.out, ENTIRE_DATA_CACHE);
  drain();
}
