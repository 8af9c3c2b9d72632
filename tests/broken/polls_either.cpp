// SPDX-License-Identifier: Apache-2.0
// Two signals are polled in turn, and the data of both are read when either has come.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  put(p.data.own, p.in);  // first
  drain();
  notify(p.signals.of(p.previous));
  notify(p.signals.of(p.next) + line);
  while (true) {
    const bool is_next = test(p.signals.own, 1);
    const bool is_previous = test(p.signals.own + line, 1);
    if (p.repaired ? is_next && is_previous : is_next || is_previous) break;
  }
  get(p.out, p.data.of(p.next));  // second
  drain();
}
