// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"
#include "peal/machine/window.h"

namespace peal {

// Broadcast through cells: the root puts the block, which fits beside a signal, into a cell of
// every peer, which copies it out. Launches take the cells in turn, so that the root can run ahead;
// when the last one was copied out a credit gives all of them back. The root sends (P-1) blocks.
// Needs: signals 0..7 (the cells) and 8 (credit).
void broadcast_cell(Device& self, const RootedArgs& args) {
  constexpr int cells = 8;
  const auto& [send, recv, landing, signals, uses, root, op] = args;
  const int ranks = self.ranks(), turn = static_cast<int>(uses % cells);
  const Signal cell = signals[turn], credit = signals[cells];
  const View slot = payload(cell, recv[0].count, recv[0].dtype);
  if (self.rank() != root.index) {
    self.wait(cell);
    self.copy(recv[0], slot);
    if (turn == cells - 1) self.notify(root, credit);
    return;
  }
  if (uses > 0 && turn == 0 && ranks > 1) self.wait(credit, ranks - 1);
  for (int step = 1; step < ranks; ++step) {
    self.put_notify(self.ahead(step), slot, send[0], cell);
  }
  self.copy(recv[0], send[0]);
}

}  // namespace peal
