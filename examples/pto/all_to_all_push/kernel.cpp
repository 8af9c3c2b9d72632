// SPDX-License-Identifier: Apache-2.0
// All-to-all, pushed: every rank puts the slice for each peer into the peer's window, at the slot
// of its own rank; after the barrier each copies its slots out.
// Steps: P puts, 1 barrier. A rank sends P N elements, of which (P-1) N over links.
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
  __gm__ float* slots = window + call % 2 * half;
  __gm__ int32_t* arrived = reinterpret_cast<__gm__ int32_t*>(window + 2 * half);

  for (int k = 0; k < team.ranks(); ++k) {
    const int peer = (team.rank() + k) % team.ranks();  // not all to rank 0 first
    put(team.of_peer(peer, slots + team.rank() * count), in + peer * count, count);
  }
  barrier(team, arrived, call + 1);
  copy(out, slots, team.ranks() * count);
  pipe_sync();
}
