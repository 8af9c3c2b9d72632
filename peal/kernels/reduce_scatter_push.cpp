// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// Reduce-scatter by writes: every rank puts block d into its own part of rank d's inbox, waits for
// all blocks and combines them in rank order. Sends (P-1) blocks per rank. Needs: an inbox of P
// blocks, and a signal for each rank.
void reduce_scatter_push(Device& self, const ReduceScatterArgs& args) {
  const auto& [send, recv, inbox, arrived, op] = args;
  const int me = self.rank(), ranks = self.ranks();
  for (int step = 1; step < ranks; ++step) {
    const Rank peer = self.ahead(step);
    self.put(peer, inbox[me], send[peer.index]);
  }
  for (int step = 1; step < ranks; ++step) self.notify(self.ahead(step), arrived[me]);
  RankViews parts;
  for (int peer = 0; peer < ranks; ++peer) {
    if (peer != me) self.wait(arrived[peer]);
    parts.add({Rank{me}, peer == me ? send[me] : inbox[peer]});
  }
  self.reduce(recv, parts, op);
}

}  // namespace peal
