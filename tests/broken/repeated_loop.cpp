// SPDX-License-Identifier: Apache-2.0
// A loop that waits for the first of two stores, twice, does not wait for the second.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  put(p.data.of(p.previous), p.in);
  drain();
  st_dev(1, p.signals.of(p.previous));
  put(p.data.of(p.previous) + length, p.in);  // first
  drain();
  st_dev(2, p.signals.of(p.previous));
  for (int k = 0; k < 2; ++k) {
    while (ld_dev(p.signals.own) < (p.repaired ? 2 : 1)) {
    }
  }
  get(p.out, p.data.own + length);  // second
  drain();
}
