// SPDX-License-Identifier: Apache-2.0
// A rank reads two halves where the next one has written one.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  for (int k = 0; k < (p.repaired ? 2 : 1); ++k) put(p.data.own + k * 32, p.in + k * 32, 32);
  drain();
  notify(p.signals.of(p.previous));
  wait(p.signals.own, 1);
  for (int k = 0; k < 2; ++k) {
    get(p.out + k * 32, p.data.of(p.next) + k * 32, 32);  // first
  }
  drain();
}
