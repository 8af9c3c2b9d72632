// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// All-reduce by packets, which carry their own flags: every rank puts its vector to its own place
// at every peer, and combines the vectors of all ranks in rank order.
// Sends (P-1) times the buffer per rank. Needs: a place for packets for each rank.
void all_reduce_packet(Device& self, const AllReducePacketArgs& args) {
  const auto& [send, recv, inbox, op] = args;
  const View mine = send.whole();
  const Packets place = inbox[self.rank()];
  for (int step = 1; step < self.ranks(); ++step) {
    self.put_packets(self.ahead(step), place, mine);
  }
  self.reduce_packets(recv.whole(), mine, inbox, op);
}

}  // namespace peal
