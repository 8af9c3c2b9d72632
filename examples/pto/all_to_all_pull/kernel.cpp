// SPDX-License-Identifier: Apache-2.0
// All-to-all, pulled: every rank stages what it has for each other rank, then reads from each peer
// the slice that is meant for it.
// Steps: 1 barrier, P reads. A rank reads P N elements, of which (P-1) N over links.
// Needs: a window of two halves of P N floats and a row of P signals.
#include "collective.h"

extern "C" __aicore__ __attribute__((always_inline)) void kernel_entry(__gm__ int64_t* args) {
  using namespace collective;
  __gm__ float* in = floats_of(args[0]);
  __gm__ float* out = floats_of(args[1]);
  __gm__ float* window = floats_of(args[2]);
  const int count = static_cast<int>(args[3]), call = static_cast<int>(args[4]);
  const Team team(args[5]);

  const int half = rounded_up(team.ranks() * count, line_signals);
  __gm__ float* staged = window + call % 2 * half;
  __gm__ int32_t* arrived = reinterpret_cast<__gm__ int32_t*>(window + 2 * half);

  copy(staged, in, team.ranks() * count);
  barrier(team, arrived, call + 1);
  for (int k = 0; k < team.ranks(); ++k) {
    const int peer = (team.rank() + k) % team.ranks();  // not all at rank 0 first
    get(out + peer * count, team.of_peer(peer, staged + team.rank() * count), count);
  }
  pipe_sync();
}
