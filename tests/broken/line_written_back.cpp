// SPDX-License-Identifier: Apache-2.0
// Cleaning a dirty line writes back all of it, and so what a peer has put beside the own element.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  float* const flag = p.data.own + (p.repaired ? 2 * length : 32);
  put(p.data.of(p.previous), p.in, 32);
  put(p.data.of(p.previous) + 40, p.in + 32, 32);  // second
  *flag = 1, dcci(flag, SINGLE_CACHE_LINE);        // first
  drain();
  notify(p.signals.of(p.previous));
  wait(p.signals.own, 1);
  get(p.out, p.data.own, 32);
  get(p.out + 32, p.data.own + 40, 32);
  drain();
  if (*flag != 1) put(p.out, p.in);
}
