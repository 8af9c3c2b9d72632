// SPDX-License-Identifier: Apache-2.0
// The data are the signal: mailboxes hold a value that is never sent, and who waits looks until no
// word is that. A box is cleared when it has been read; here, the one of three that comes next.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  const auto box = [&](int call) { return p.data.own + (call % 3) * length; };
  put(p.data.of(p.previous) + p.call % 3 * length, p.in);  // first
  drain();
  for (int i = 0; i < length; ++i) {
    while (ld_dev(box(p.call) + i) == 0.0f) {
    }
  }
  get(p.out, box(p.call));
  // All have to have come so far before a box is put into again.
  for (int d = 1; d < p.ranks; ++d) notify(p.signals.of((p.me + d) % p.ranks));
  wait(p.signals.own, (p.ranks - 1) * (p.call + 1));
  float* const cleared = box(p.call + (p.repaired ? 2 : 1));
  for (int i = 0; i < length; ++i) st_dev(0.0f, cleared + i);  // second
  dsb(DSB_DDR);
}
