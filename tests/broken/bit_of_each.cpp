// SPDX-License-Identifier: Apache-2.0
// Every rank adds its bit to a word of each other, and each bit is awaited in turn: whatever the
// other bits are then, the box of that rank is full, and no other need be.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  const int cell = p.call * line;
  for (int d = 1; d < p.ranks; ++d) {
    const int to = (p.me + d) % p.ranks;
    put(p.data.of(to) + p.me * length, p.in);  // first
    drain();
    notify(p.signals.of(to) + cell, 1 << p.me);
  }
  for (int d = 1; d < p.ranks; ++d) {
    const int from = (p.me + d) % p.ranks;
    while ((ld_dev(p.signals.own + cell) & (1 << from)) == 0) {
    }
    const int box = p.repaired ? from : (p.me + 1 + d % (p.ranks - 1)) % p.ranks;
    get(box == p.next ? p.out : p.data.own + p.me * length, p.data.own + box * length);  // second
    drain();
  }
  for (int d = 1; d < p.ranks; ++d) notify(p.signals.of((p.me + d) % p.ranks) + 8 * line);
  wait(p.signals.own + 8 * line, (p.ranks - 1) * (p.call + 1));
}
