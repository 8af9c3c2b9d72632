// SPDX-License-Identifier: Apache-2.0
// The second wait is satisfied by the notify of the first round.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  for (int k = 0; k < 2; ++k) {
    put(p.data.own + k * 32, p.in + k * 32, 32);  // first
    drain();
    notify(p.signals.of(p.previous));
    wait(p.signals.own, p.repaired ? k + 1 : 1);
    get(p.out + k * 32, p.data.of(p.next) + k * 32, 32);  // second
  }
  drain();
}
