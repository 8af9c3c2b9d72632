// SPDX-License-Identifier: Apache-2.0
// A count that every peer takes down to zero. The wrong one is satisfied by all arrivals but one.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  set(p.signals.own, p.ranks - 1);
  for (int d = 1; d < p.ranks; ++d) notify(p.signals.of((p.me + d) % p.ranks) + line);
  wait(p.signals.own + line, p.ranks - 1);  // everybody has set its count
  put(p.data.own, p.in);                    // first
  drain();
  for (int d = 1; d < p.ranks; ++d) notify(p.signals.of((p.me + d) % p.ranks), -1);
  wait(p.signals.own, p.repaired ? 0 : 1, WaitCmp::LE);
  get(p.out, p.data.of(p.next));  // second
  drain();
}
