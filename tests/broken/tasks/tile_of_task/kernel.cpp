// SPDX-License-Identifier: Apache-2.0
// Task 0 loads the input into a tile, task 1 stores the tile. The ranks meet meanwhile.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  if (args[8] == 0) {
    load(0, p.in);
    if (p.repaired) {
      order(PIPE_MTE2, PIPE_MTE3);
      store(p.data.own, 0);
    }
    drain();
    notify(p.signals.of(p.next));
    wait(p.signals.own, p.call + 1);
  } else {
    if (p.repaired) {
      load(0, p.data.own);
      order(PIPE_MTE2, PIPE_MTE3);
    }
    store(p.out, 0);  // first
    drain();
  }
}
