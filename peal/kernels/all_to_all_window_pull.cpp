// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"
#include "peal/kernels/meeting.h"
#include "peal/machine/barrier.h"

namespace peal {

// All-to-all straight from windows: all meet, every rank reads its block of every peer's send, and
// all meet again. Sends (P-1) blocks per rank. Needs: send in a window, and apart from recv; P
// signals to meet, and those of a barrier.
void all_to_all_window_pull(Device& self, const AllToAllArgs& args) {
  const auto& [send, recv, landing, signals] = args;
  const int me = self.rank(), ranks = self.ranks();
  const Meeting meeting(self, signals, send[0], recv[0]);
  for (int step = 0; step < ranks; ++step) {
    const int peer = self.ahead(step).index;
    self.get(recv[peer], Rank{peer}, meeting.send_of(peer, send[me]));
  }
  barrier(self, signals.from(ranks));
}

}  // namespace peal
