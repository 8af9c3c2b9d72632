// SPDX-License-Identifier: Apache-2.0
// One cell says that the next rank has staged and that the previous one has read, so its first
// arrival may be either.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  const int ack = p.repaired ? line : 0;
  for (int k = 0; k < 2; ++k) {
    if (k > 0) wait(p.signals.own + ack, p.repaired ? 1 : 2);
    put(p.data.own, p.in + k * 32, 32);  // first
    drain();
    notify(p.signals.of(p.previous));
    wait(p.signals.own, p.repaired ? k + 1 : 2 * k + 1);
    get(p.out + k * 32, p.data.of(p.next), 32);  // second
    drain();
    if (k == 0) notify(p.signals.of(p.next) + ack);
  }
}
