// SPDX-License-Identifier: Apache-2.0
// A core looks at its window, stages its input there with its pipes, and looks again: the line is
// in its cache since the first look, as it was then.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  const float before = *p.data.own;
  put(p.data.own, p.in);  // first
  drain();
  if (p.repaired) dcci(p.data.own, SINGLE_CACHE_LINE);
  const float staged = p.data.own[1];  // second
  notify(p.signals.of(p.previous));
  wait(p.signals.own, 1);
  get(p.out, before == 0 && staged == p.in[1] ? p.data.of(p.next) : p.in);
  drain();
}
