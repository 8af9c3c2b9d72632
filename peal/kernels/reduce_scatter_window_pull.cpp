// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"
#include "peal/machine/barrier.h"

namespace peal {

// Reduce-scatter straight from windows: all meet, every rank reads and combines its own block of
// everybody's send, in rank order, and all meet again.
// Sends (P-1) blocks per rank. Needs: send in a window.
void reduce_scatter_window_pull(Device& self, const ReduceScatterArgs& args) {
  const auto& [send, recv, inbox, arrived, op] = args;
  barrier(self, arrived);
  self.reduce(recv, Places::on_every_rank(self.ranks(), send[self.rank()]), op);
  barrier(self, arrived);
}

}  // namespace peal
