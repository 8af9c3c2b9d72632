// SPDX-License-Identifier: Apache-2.0
// A dsb waits for stores that have left the core; these are still in the scalar cache.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  for (int i = 0; i < length; ++i) p.data.own[i] = p.in[i];  // first
  if (p.repaired) dcci(p.data.own, ENTIRE_DATA_CACHE);
  dsb(DSB_DDR);
  notify(p.signals.of(p.previous));
  wait(p.signals.own, 1);
  get(p.out, p.data.of(p.next));  // second
  drain();
}
