// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// Reduce-scatter by packets, which carry their own flags: every rank puts each peer's block to its
// own place at that peer, and combines its own block of all ranks in rank order.
// Sends (P-1) blocks per rank. Needs: a place for packets for each rank.
void reduce_scatter_packet(Device& self, const ReduceScatterPacketArgs& args) {
  const auto& [send, recv, inbox, op] = args;
  const int me = self.rank();
  for (int step = 1; step < self.ranks(); ++step) {
    const Rank peer = self.ahead(step);
    self.put_packets(peer, inbox[me], send[peer.index]);
  }
  self.reduce_packets(recv, send[me], inbox, op);
}

}  // namespace peal
