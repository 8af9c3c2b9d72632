// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// Broadcast straight between windows: the root tells every peer that its block lies in its recv,
// every peer reads it from there and tells the root, which returns when all have. The root sends
// (P-1) blocks. Needs: recv in a window; signals 0 (ready) and 1 (read).
void broadcast_window_pull(Device& self, const RootedArgs& args) {
  const auto& [send, recv, landing, signals, reused, root, op] = args;
  const int ranks = self.ranks();
  if (self.rank() != root.index) {
    self.wait(signals[0]);
    self.get(recv[0], root, recv[0]);
    return self.notify(root, signals[1]);
  }
  self.copy(recv[0], send[0]);
  for (int step = 1; step < ranks; ++step) {
    self.notify(Rank{(root.index + step) % ranks}, signals[0]);
  }
  if (ranks > 1) self.wait(signals[1], ranks - 1);
}

}  // namespace peal
