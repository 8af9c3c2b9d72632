// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"
#include "peal/kernels/meeting.h"
#include "peal/machine/barrier.h"

namespace peal {

// All-gather straight between windows: every rank copies its block to its place in its own recv,
// all meet, every rank reads every peer's block from there, and all meet again. Sends (P-1) blocks
// per rank. Needs: recv in a window; P signals to meet, and those of a barrier.
void all_gather_window_pull(Device& self, const AllGatherArgs& args) {
  const auto& [send, recv, landing, signals] = args;
  const int me = self.rank(), ranks = self.ranks();
  self.copy(recv[me], send);
  const Meeting meeting(self, signals, send, recv[0]);
  for (int step = 1; step < ranks; ++step) {
    const int peer = self.ahead(step).index;
    self.get(recv[peer], Rank{peer}, meeting.recv_of(peer, recv[peer]));
  }
  barrier(self, signals.from(ranks));
}

}  // namespace peal
