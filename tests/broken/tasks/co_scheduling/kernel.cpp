// SPDX-License-Identifier: Apache-2.0
// Task 0 waits for what task 1 of the next rank sends.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  if (args[8] == 0) {
    wait(p.signals.own, 1);  // first
    get(p.out, p.data.own);
    drain();
  } else {
    put(p.data.of(p.previous), p.in);
    drain();
    notify(p.signals.of(p.previous));
  }
}
