// SPDX-License-Identifier: Apache-2.0
// A core stores the first and the last element of a line; its write-back has the elements between
// them, too, which are a peer's.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  float* const flags = p.data.own + (p.repaired ? 2 * length : 0);
  put(p.data.of(p.previous) + 4, p.in, 8);  // second
  put(p.data.of(p.previous) + line, p.in + 8, length - 8);
  flags[0] = flags[line - 1] = 1, dcci(flags, SINGLE_CACHE_LINE);  // first
  drain();
  notify(p.signals.of(p.previous));
  wait(p.signals.own, 1);
  get(p.out, p.data.own + 4, 8);
  get(p.out + 8, p.data.own + line, length - 8);
  drain();
  if (flags[0] != flags[line - 1]) put(p.out, p.in);
}
