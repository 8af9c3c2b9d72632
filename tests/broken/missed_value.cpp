// SPDX-License-Identifier: Apache-2.0
// The cell is 1 only until the second notify arrives.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  notify(p.signals.of(p.next));
  notify(p.signals.of(p.next));                          // second
  wait(p.signals.own, p.repaired ? 2 : 1, WaitCmp::EQ);  // first
}
