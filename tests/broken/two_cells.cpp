// SPDX-License-Identifier: Apache-2.0
// Two cells of one peer, which notifies the first before the second: who waits for the second knows
// of the first, and then waits for it all the same. Nothing is stale.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  for (int k = 0; k < 2; ++k) {
    put(p.data.own + (p.call * 2 + k) * length, p.in);
    drain();
    notify(p.signals.of(p.previous));
    notify(p.signals.of(p.previous) + line);
    const int count = p.call * 2 + k + 1;
    if (p.repaired) wait(p.signals.own, count);
    wait(p.signals.own + line, count);
    if (!p.repaired) wait(p.signals.own, count);
    get(p.out, p.data.of(p.next) + (p.call * 2 + k) * length);
    drain();
  }
}
