// SPDX-License-Identifier: Apache-2.0
// The notify may overtake the store that it announces.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  put(p.data.of(p.previous), p.in);  // first
  if (p.repaired) drain();
  notify(p.signals.of(p.previous));
  wait(p.signals.own, 1);
  get(p.out, p.data.own);  // second
  drain();
}
