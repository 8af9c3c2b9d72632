// SPDX-License-Identifier: Apache-2.0
// All notify rank 0, and all wait for as many arrivals as there are ranks.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  for (int peer = 0; peer < (p.repaired ? p.ranks : 1); ++peer) notify(p.signals.of(peer));
  wait(p.signals.own, p.ranks);  // first
}
