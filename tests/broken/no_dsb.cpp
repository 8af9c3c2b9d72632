// SPDX-License-Identifier: Apache-2.0
// The line has been written back, but nothing waits for it to arrive before the notify.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  for (int i = 0; i < length; ++i) p.data.own[i] = p.in[i];  // first
  dcci(p.data.own, ENTIRE_DATA_CACHE);
  if (p.repaired) dsb(DSB_DDR);
  notify(p.signals.of(p.previous));
  wait(p.signals.own, 1);
  get(p.out, p.data.of(p.next));  // second
  drain();
}
