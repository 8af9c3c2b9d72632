// SPDX-License-Identifier: Apache-2.0
// A second round of notify and wait orders nothing that the first does not.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  put(p.data.own, p.in);
  drain();
  notify(p.signals.of(p.previous));
  wait(p.signals.own, 1);
  if (!p.repaired) {
    notify(p.signals.of(p.previous) + line);
    wait(p.signals.own + line, 1);  // first
  }
  get(p.out, p.data.of(p.next));
  drain();
}
