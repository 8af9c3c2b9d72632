// SPDX-License-Identifier: Apache-2.0
// The next call overwrites what the previous rank may still read in this one.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  put(p.data.own, p.in);  // first
  drain();
  notify(p.signals.of(p.previous));
  wait(p.signals.own, p.call + 1);
  get(p.out, p.data.of(p.next));  // second
  drain();
  if (!p.repaired) return;
  notify(p.signals.of(p.next) + line);
  wait(p.signals.own + line, p.call + 1);
}
