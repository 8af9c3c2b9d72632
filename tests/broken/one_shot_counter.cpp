// SPDX-License-Identifier: Apache-2.0
// A barrier once, with one counter for all: every call waits for as many arrivals as the first, and
// from the second on they have come already.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  for (int d = 1; d < p.ranks; ++d) notify(p.signals.of((p.me + d) % p.ranks));
  wait(p.signals.own, (p.ranks - 1) * (p.repaired ? p.call + 1 : 1));  // first
}
