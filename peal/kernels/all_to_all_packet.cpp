// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// All-to-all by packets, which carry their own flags: every rank puts each peer's block to its own
// place at that peer, and copies out the blocks that arrive from all of them.
// Sends (P-1) blocks per rank. Needs: a place for packets for each rank.
void all_to_all_packet(Device& self, const AllToAllPacketArgs& args) {
  const auto& [send, recv, inbox] = args;
  const int me = self.rank(), ranks = self.ranks();
  for (int step = 1; step < ranks; ++step) {
    const Rank peer = self.ahead(step);
    self.put_packets(peer, inbox[me], send[peer.index]);
  }
  self.copy(recv[me], send[me]);
  for (int step = 1; step < ranks; ++step) {
    const int peer = self.ahead(step).index;
    self.take_packets(recv[peer], inbox[peer]);
  }
}

}  // namespace peal
