// SPDX-License-Identifier: Apache-2.0
// In the second round the scalar unit finds the line of the first in its cache.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  for (int k = 0; k < 2; ++k) {
    if (k > 0) wait(p.signals.own + line, k);
    put(p.data.of(p.previous), p.in + k * 32, 32);  // first
    drain();
    notify(p.signals.of(p.previous));
    wait(p.signals.own, k + 1);
    if (p.repaired) dcci(p.data.own, ENTIRE_DATA_CACHE);
    for (int i = 0; i < 32; ++i) p.out[k * 32 + i] = p.data.own[i];  // second
    if (k == 0) notify(p.signals.of(p.next) + line);
  }
  dcci(p.out, ENTIRE_DATA_CACHE);
  drain();
}
