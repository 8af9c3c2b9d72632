// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// All-gather by packets, which carry their own flags: every rank puts its block to its own place at
// every peer, and copies out the blocks that arrive from all of them.
// Sends (P-1) blocks per rank. Needs: a place for packets for each rank.
void all_gather_packet(Device& self, const AllGatherPacketArgs& args) {
  const auto& [send, recv, inbox] = args;
  const int me = self.rank(), ranks = self.ranks();
  for (int step = 1; step < ranks; ++step) self.put_packets(self.ahead(step), inbox[me], send);
  self.copy(recv[me], send);
  for (int step = 1; step < ranks; ++step) {
    const int peer = self.ahead(step).index;
    self.take_packets(recv[peer], inbox[peer]);
  }
}

}  // namespace peal
