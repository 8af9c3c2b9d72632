// SPDX-License-Identifier: Apache-2.0
// Looking at the last word of a block says nothing of the others, even if one store writes all.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  float* const box = p.data.own + p.call % 4 * length;
  put(p.data.of(p.previous) + p.call % 4 * length, p.in);  // first
  drain();
  for (int i = p.repaired ? 0 : length - 1; i < length; ++i) {
    while (ld_dev(box + i) == 0.0f) {
    }
  }
  get(p.out, box);  // second
  drain();
}
