// SPDX-License-Identifier: Apache-2.0
// A rank announces what it has staged in its own window before the store has left the core.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  put(p.data.own, p.in);  // first
  if (p.repaired) drain();
  notify(p.signals.of(p.previous));
  wait(p.signals.own, 1);
  get(p.out, p.data.of(p.next));  // second
  drain();
}
