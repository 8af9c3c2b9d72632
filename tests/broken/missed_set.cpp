// SPDX-License-Identifier: Apache-2.0
// A signal that is set to the stage that has been reached, and to a smaller number at the end.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  set(p.signals.of(p.next), 2);
  if (!p.repaired) set(p.signals.of(p.next), 1);  // second
  wait(p.signals.own, 2);                         // first
  notify(p.signals.of(p.previous) + line);
  wait(p.signals.own + line, 1);
  if (p.repaired) set(p.signals.of(p.next), 1);
}
