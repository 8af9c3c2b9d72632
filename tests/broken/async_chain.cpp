// SPDX-License-Identifier: Apache-2.0
// An asynchronous transfer reads what the one before it writes, which nothing has waited for.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  float* const staged = p.data.own + length;
  Row in(p.in, Shape(length)), middle(staged, Shape(length)), window(p.data.own, Shape(length));
  pto::comm::AsyncSession session;
  pto::comm::BuildAsyncSession(session);
  auto first = pto::comm::TPUT_ASYNC(middle, in, session);  // first
  if (p.repaired) first.Wait(session);
  pto::comm::TPUT_ASYNC(window, middle, session).Wait(session);  // second
  notify(p.signals.of(p.previous));
  wait(p.signals.own, 1);
  get(p.out, p.data.of(p.next));
  drain();
}
