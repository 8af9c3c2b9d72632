// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"
#include "peal/machine/window.h"

namespace peal {

// All-to-all through cells: every rank puts each peer's block, which fits beside a signal, into its
// own cell there, waits for everybody's and copies them out.
// Sends (P-1) blocks per rank. Needs: a signal for each rank.
void all_to_all_cell(Device& self, const AllToAllArgs& args) {
  const auto& [send, recv, landing, cells] = args;
  const int me = self.rank(), ranks = self.ranks();
  const auto slot = [&, &row = cells, own = send[me]](int of) {
    return payload(row[of], own.count, own.dtype);
  };
  for (int step = 1; step < ranks; ++step) {
    const int peer = self.ahead(step).index;
    self.put_notify(Rank{peer}, slot(me), send[peer], cells[me]);
  }
  self.copy(recv[me], send[me]);
  for (int step = 1; step < ranks; ++step) {
    const int peer = self.ahead(step).index;
    self.wait(cells[peer]);
    self.copy(recv[peer], slot(peer));
  }
}

}  // namespace peal
