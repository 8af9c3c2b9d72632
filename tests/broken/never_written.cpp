// SPDX-License-Identifier: Apache-2.0
// A rank reads 64 elements where the next one has written 32.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  put(p.data.own, p.in, p.repaired ? length : length / 2);
  drain();
  notify(p.signals.of(p.previous));
  wait(p.signals.own, 1);
  get(p.out, p.data.of(p.next));  // first
  drain();
}
