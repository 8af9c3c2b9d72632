// SPDX-License-Identifier: Apache-2.0
// Told and told off: the second notify takes back the first, which the peer may not have seen.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  notify(p.signals.of(p.next));
  if (!p.repaired) notify(p.signals.of(p.next), -1);  // second
  wait(p.signals.own, 1);                             // first
  notify(p.signals.of(p.previous) + line);
  wait(p.signals.own + line, 1);
  if (p.repaired) notify(p.signals.of(p.next), -1);
}
