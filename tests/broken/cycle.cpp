// SPDX-License-Identifier: Apache-2.0
// Every rank waits for the one before it, and notifies the next one after that.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  const bool begins = p.repaired && p.me == 0;
  if (!begins) wait(p.signals.own, 1);  // first
  notify(p.signals.of(p.next));
  if (begins) wait(p.signals.own, 1);
}
