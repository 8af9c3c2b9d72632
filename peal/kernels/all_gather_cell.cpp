// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"
#include "peal/machine/window.h"

namespace peal {

// All-gather through cells: every rank puts its block, which fits beside a signal, into its own
// cell on every peer, waits for everybody's and copies them out.
// Sends (P-1) blocks per rank. Needs: a signal for each rank.
void all_gather_cell(Device& self, const AllGatherArgs& args) {
  const auto& [send, recv, landing, cells] = args;
  const int me = self.rank(), ranks = self.ranks();
  const auto slot = [&, &block = send, &row = cells](int of) {
    return payload(row[of], block.count, block.dtype);
  };
  for (int step = 1; step < ranks; ++step) {
    self.put_notify(self.ahead(step), slot(me), send, cells[me]);
  }
  self.copy(recv[me], send);
  for (int step = 1; step < ranks; ++step) {
    const int peer = self.ahead(step).index;
    self.wait(cells[peer]);
    self.copy(recv[peer], slot(peer));
  }
}

}  // namespace peal
