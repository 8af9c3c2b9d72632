// SPDX-License-Identifier: Apache-2.0
// A barrier once: its signals count no calls, so from the second one on nobody waits.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  for (int d = 1; d < p.ranks; ++d) notify(p.signals.of((p.me + d) % p.ranks) + p.me * line);
  for (int d = 1; d < p.ranks; ++d) {
    wait(p.signals.own + (p.me + d) % p.ranks * line, p.repaired ? p.call + 1 : 1);  // first
  }
}
