// SPDX-License-Identifier: Apache-2.0
// Task 0 stages the input, task 1 takes it from there.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  if (args[8] == 0) {
    put(p.data.own, p.in);  // first
  } else {
    get(p.out, p.data.own);  // second
  }
  drain();
}
