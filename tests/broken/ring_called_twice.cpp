// SPDX-License-Identifier: Apache-2.0
// The ring with rows for one call, called twice on one window.
#include "ring.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  ring(p, {.one_shot = !p.repaired});
}
