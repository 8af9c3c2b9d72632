// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"
#include "peal/machine/window.h"

namespace peal {

// All-reduce through cells: every rank puts its vector, which fits beside a signal, into its own
// cell on every peer, waits for everybody's and combines them in rank order.
// Sends (P-1) times the buffer per rank. Needs: a signal for each rank.
void all_reduce_cell(Device& self, const AllReduceApartArgs& args) {
  const auto& [send, recv, inbox, cells, op] = args;
  const int me = self.rank(), ranks = self.ranks();
  const View mine = send.whole();
  const auto slot = [&, &row = cells](int of) { return payload(row[of], mine.count, mine.dtype); };
  for (int step = 1; step < ranks; ++step) {
    self.put_notify(self.ahead(step), slot(me), mine, cells[me]);
  }
  Places parts;
  for (int peer = 0; peer < ranks; ++peer) {
    if (peer != me) self.wait(cells[peer]);
    parts.add({Rank{me}, peer == me ? mine : slot(peer)});
  }
  self.reduce(recv.whole(), parts, op);
}

}  // namespace peal
