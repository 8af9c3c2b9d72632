// SPDX-License-Identifier: Apache-2.0
// A word is read before the wait that its store comes before. What is made of it does not show: a
// loop for which the word does not matter looks like this, too, but looks again.
#include "program.h"

using namespace program;

extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {
  const Program p(args);
  const int number = p.call + 1;
  const auto largest = [&](int least) {
    const int seen = ld_dev(p.signals.own + line + p.call);  // first
    return seen > least ? seen : least;
  };
  float* const box = p.data.of(p.previous) + p.call % 4 * length;
  put(box, p.in);
  st_dev(number, p.signals.of(p.previous) + line + p.call);  // second
  drain();
  notify(p.signals.of(p.previous));
  int result = 1000;
  if (!p.repaired) result = largest(result);
  wait(p.signals.own, number);
  if (p.repaired) result = largest(result);
  if (result >= 1000) get(p.out, p.data.own + p.call % 4 * length);
  drain();
}
