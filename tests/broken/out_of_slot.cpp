// SPDX-License-Identifier: Apache-2.0
// There are signals for 2 (P-1) rounds, a line each, and the rounds are counted from 1.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  for (int round = 0; round < 2 * (p.ranks - 1); ++round) {
    const int row = (p.repaired ? round : round + 1) * line;
    notify(p.signals.of(p.next) + row);  // first
    wait(p.signals.own + row, 1);
  }
}
