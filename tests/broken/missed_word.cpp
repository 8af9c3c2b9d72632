// SPDX-License-Identifier: Apache-2.0
// A loop that waits for one value of a word which soon has another.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  put(p.data.of(p.previous), p.in);
  drain();
  st_dev(1, p.signals.of(p.previous));
  st_dev(2, p.signals.of(p.previous));                                           // second
  while (p.repaired ? ld_dev(p.signals.own) < 1 : ld_dev(p.signals.own) != 1) {  // first
  }
  get(p.out, p.data.own);
  drain();
}
