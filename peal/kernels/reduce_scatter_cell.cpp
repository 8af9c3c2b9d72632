// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"
#include "peal/machine/window.h"

namespace peal {

// Reduce-scatter through cells: every rank puts each peer's block, which fits beside a signal, into
// its own cell there, waits for everybody's and combines them in rank order.
// Sends (P-1) blocks per rank. Needs: a signal for each rank.
void reduce_scatter_cell(Device& self, const ReduceScatterArgs& args) {
  const auto& [send, recv, inbox, cells, op] = args;
  const int me = self.rank(), ranks = self.ranks();
  const auto slot = [&, &block = recv, &row = cells](int of) {
    return payload(row[of], block.count, block.dtype);
  };
  for (int step = 1; step < ranks; ++step) {
    const int peer = self.ahead(step).index;
    self.put_notify(Rank{peer}, slot(me), send[peer], cells[me]);
  }
  Places parts;
  for (int peer = 0; peer < ranks; ++peer) {
    if (peer != me) self.wait(cells[peer]);
    parts.add({Rank{me}, peer == me ? send[me] : slot(peer)});
  }
  self.reduce(recv, parts, op);
}

}  // namespace peal
