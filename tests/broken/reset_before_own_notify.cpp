// SPDX-License-Identifier: Apache-2.0
// A rank counts itself, too, after it has reset its signal: its own notify is after the reset, the
// one of its peer need not be.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  put(p.data.own, p.in);
  drain();
  if (!p.repaired) {
    st_dev(0, p.signals.own);  // first
    dsb(DSB_ALL);
  }
  notify(p.signals.own);
  notify(p.signals.of(p.previous));  // second
  wait(p.signals.own, 2);
  get(p.out, p.data.of(p.next));
  drain();
}
