// SPDX-License-Identifier: Apache-2.0
// The same with a store of the scalar unit.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  if (!p.repaired) {
    *p.signals.own = 0;  // first
    dcci(p.signals.own, SINGLE_CACHE_LINE);
    dsb(DSB_DDR);
  }
  put(p.data.own, p.in);
  drain();
  notify(p.signals.of(p.previous));  // second
  wait(p.signals.own, 1);
  get(p.out, p.data.of(p.next));
  drain();
}
