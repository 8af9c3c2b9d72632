// SPDX-License-Identifier: Apache-2.0
// A scalar read of a tile right behind the load that fills it again.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  Tile both = tile(0, length);
  load(0, p.in);
  drain();
  const float first_half = both.GetValue(0);
  load(0, p.in + length / 2, length / 2);  // first
  if (p.repaired) order(PIPE_MTE2, PIPE_S);
  const float second_half = both.GetValue(0);  // second
  drain();
  st_dev(first_half, p.out);
  st_dev(second_half, p.out + 1);
}
