// SPDX-License-Identifier: Apache-2.0
// The scalar unit may read the tile before the load has filled it.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  Tile staged = tile(0, length);
  load(0, p.in);  // first
  if (p.repaired) order(PIPE_MTE2, PIPE_S);
  for (int i = 0; i < length; ++i) p.out[i] = staged.GetValue(i);  // second
  dcci(p.out, ENTIRE_DATA_CACHE);
  drain();
}
