// SPDX-License-Identifier: Apache-2.0
// Every rank sets a signal of its own at rank 0, all in one line, which each Set rewrites.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  const int apart = p.repaired ? line : 1;
  set(p.signals.of(0) + p.me * apart, 11 + p.me);  // first and second
  if (p.me != 0) return;
  for (int peer = 0; peer < p.ranks; ++peer) {
    wait(p.signals.own + peer * apart, 11 + peer, WaitCmp::EQ);
  }
}
