// SPDX-License-Identifier: Apache-2.0
// A copy by memcpy is made of scalar stores, which stay in the cache until a dcci and a dsb.
#include <cstring>

#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  float staged[length];
  for (int i = 0; i < length; ++i) staged[i] = p.in[i];
  std::memcpy(p.data.own, staged, sizeof(staged));  // first
  if (p.repaired) {
    dcci(p.data.own, ENTIRE_DATA_CACHE);
    dsb(DSB_DDR);
  }
  notify(p.signals.of(p.previous));
  wait(p.signals.own, 1);
  get(p.out, p.data.of(p.next));  // second
  drain();
}
