// SPDX-License-Identifier: Apache-2.0
// Broadcast: the root stages its vector in its window, and every rank reads it there.
// Steps: 1 barrier, 1 read. A rank reads N elements; the root's link carries (P-1) N.
// Needs: a window of two halves of N floats and a row of P signals.
#include "collective.h"

extern "C" __aicore__ __attribute__((always_inline)) void kernel_entry(__gm__ int64_t* args) {
  using namespace collective;
  __gm__ float* in = floats_of(args[0]);
  __gm__ float* out = floats_of(args[1]);
  __gm__ float* window = floats_of(args[2]);
  const int count = static_cast<int>(args[3]), root = static_cast<int>(args[4]);
  const int call = static_cast<int>(args[5]);
  const Team team(args[6]);

  const int half = rounded_up(count, line_signals);
  __gm__ float* staged = window + call % 2 * half;
  __gm__ int32_t* arrived = reinterpret_cast<__gm__ int32_t*>(window + 2 * half);

  if (team.rank() == root) copy(staged, in, count);
  barrier(team, arrived, call + 1);
  get(out, team.of_peer(root, staged), count);
  pipe_sync();
}
