// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"
#include "peal/machine/window.h"

namespace peal {

// Broadcast through cells: the root puts the block, which fits beside a signal, into the cell of
// every peer, which copies it out and gives the cell back by a credit. The root sends (P-1) blocks.
// Needs: signals 0 (the cell) and 1 (credit).
void broadcast_cell(Device& self, const RootedArgs& args) {
  const auto& [send, recv, landing, signals, reused, root, op] = args;
  const int ranks = self.ranks();
  const View slot = payload(signals[0], recv[0].count, recv[0].dtype);
  if (self.rank() != root.index) {
    self.wait(signals[0]);
    self.copy(recv[0], slot);
    return self.notify(root, signals[1]);
  }
  if (reused && ranks > 1) self.wait(signals[1], ranks - 1);
  for (int step = 1; step < ranks; ++step) {
    self.put_notify(Rank{(root.index + step) % ranks}, slot, send[0], signals[0]);
  }
  self.copy(recv[0], send[0]);
}

}  // namespace peal
