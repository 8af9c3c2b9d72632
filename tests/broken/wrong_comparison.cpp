// SPDX-License-Identifier: Apache-2.0
// A comparison the wrong way round: the cell is at most 1 from the start.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  put(p.data.own, p.in);  // first
  drain();
  notify(p.signals.of(p.previous));
  wait(p.signals.own, 1, p.repaired ? WaitCmp::GE : WaitCmp::LE);
  get(p.out, p.data.of(p.next));  // second
  drain();
}
