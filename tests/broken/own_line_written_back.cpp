// SPDX-License-Identifier: Apache-2.0
// Cleaning a dirty line writes back all of it, and so what the core's own pipe has stored beside
// the flag since the line was filled.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  float* const flag = p.data.own + (p.repaired ? 2 * length : 0);
  *flag = 1;                  // first
  put(p.data.own + 8, p.in);  // second
  drain();
  dcci(flag, SINGLE_CACHE_LINE);
  dsb(DSB_DDR);
  notify(p.signals.of(p.previous));
  wait(p.signals.own, 1);
  get(p.out, p.data.of(p.next) + 8);
  drain();
}
