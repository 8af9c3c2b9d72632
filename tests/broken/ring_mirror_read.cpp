// SPDX-License-Identifier: Apache-2.0
// The ring that reads the mirror of its neighbour, where the input is, and not its chunk.
#include "ring.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  ring(p, {.reads_mirror = !p.repaired});
}
