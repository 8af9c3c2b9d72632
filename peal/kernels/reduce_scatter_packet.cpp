// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// Reduce-scatter by packets: every rank puts each peer's block, with the news of it, to its own
// place there, and combines what comes from all of them in rank order.
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
