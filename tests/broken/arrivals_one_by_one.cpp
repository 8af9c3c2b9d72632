// SPDX-License-Identifier: Apache-2.0
// Every rank notifies every rank, itself too, and waits for one arrival after the other: the first
// may be its own, but nothing relies on it.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  for (int k = 0; k < 2; ++k) {
    const int round = p.call * 2 + k;
    put(p.data.own + round * length, p.in);
    drain();
    for (int rank = 0; rank < p.ranks; ++rank) notify(p.signals.of(rank) + (round % 2) * line);
    const int before = round / 2 * p.ranks;
    for (int arrival = p.repaired ? p.ranks : 1; arrival <= p.ranks; ++arrival) {
      wait(p.signals.own + (round % 2) * line, before + arrival);
    }
    get(p.out, p.data.of(p.next) + round * length);
    drain();
  }
}
