// SPDX-License-Identifier: Apache-2.0
// A count of values is not a count of arrivals: one rank adds 2.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  put(p.data.own, p.in);  // first
  drain();
  for (int d = 1; d < p.ranks; ++d) notify(p.signals.of((p.me + d) % p.ranks), p.me == 0 ? 2 : 1);
  const int all = p.ranks - 1 + (p.me == 0 ? 0 : 1);
  wait(p.signals.own, p.repaired ? all : p.ranks - 1);
  get(p.out, p.data.of(p.next));  // second
  drain();
}
