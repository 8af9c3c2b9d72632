// SPDX-License-Identifier: Apache-2.0
// All-reduce on a ring: reduce-scatter, then all-gather, P-1 steps each; a rank only reads chunks
// in the window of the rank before it. (Patarasuk and Yuan 2009.)
// Steps: 2 (P-1). A rank reads 2 (P-1)/P N elements over one link.
// Needs: a window of two halves of P chunks and a line of signals for every step.
#include "collective.h"

extern "C" __aicore__ __attribute__((always_inline)) void kernel_entry(__gm__ int64_t* args) {
  using namespace collective;
  __gm__ float* in = floats_of(args[0]);
  __gm__ float* out = floats_of(args[1]);
  __gm__ float* window = floats_of(args[2]);
  const int count = static_cast<int>(args[3]), call = static_cast<int>(args[4]);
  const Team team(args[5]);

  const int ranks = team.ranks(), me = team.rank();
  const int next = (me + 1) % ranks, previous = (me + ranks - 1) % ranks;
  // Chunks of whole cache lines; the last ones may be short, or empty.
  const int length = rounded_up((count + ranks - 1) / ranks, line_signals);
  __gm__ float* slots = window + call % 2 * ranks * length;
  __gm__ int32_t* ready = reinterpret_cast<__gm__ int32_t*>(window + 2 * ranks * length);

  copy(slots, in, count);
  for (int step = 0; step < 2 * (ranks - 1); ++step) {
    __gm__ int32_t* row = ready + step * line_signals;
    notify(team, next, row);
    wait(row, call + 1);
    const bool reduces = step < ranks - 1;
    const int chunk = (me + 2 * ranks - 1 - step) % ranks;
    const int rest = count - chunk * length;
    const int size = rest < 0 ? 0 : rest < length ? rest : length;
    __gm__ float* own = slots + chunk * length;
    __gm__ float* theirs = team.of_peer(previous, own);
    if (reduces) {
      add(
          own, 2, [&](int k) { return k == 0 ? own : theirs; }, size);
    } else {
      get(own, theirs, size);
    }
  }
  copy(out, slots, count);
  pipe_sync();
}
