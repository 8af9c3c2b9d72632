// SPDX-License-Identifier: Apache-2.0
// A signal that is looked at as a word, until somebody has notified it: in the second call somebody
// has, in the first.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  float* const box = p.data.own + p.call % 4 * length;
  put(p.data.of(p.previous) + p.call % 4 * length, p.in);  // first
  drain();
  notify(p.signals.of(p.previous));
  while (ld_dev(p.signals.own) < (p.repaired ? p.call + 1 : 1)) {
  }
  get(p.out, box);  // second
  drain();
}
