// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"
#include "peal/machine/barrier.h"

namespace peal {

// Reduce-scatter by direct reads: every rank stages its P blocks; barrier; every rank reads and
// combines its own block of every peer, in rank order.
// Sends (P-1) blocks per rank. Needs: an inbox of P blocks.
void reduce_scatter_direct(Device& self, const ReduceScatterArgs& args) {
  const auto& [send, recv, inbox, arrived, op] = args;
  for (int block = 0; block < self.ranks(); ++block) self.copy(inbox[block], send[block]);
  barrier(self, arrived);
  self.reduce(recv, RankViews::on_every_rank(self.ranks(), inbox[self.rank()]), op);
}

}  // namespace peal
