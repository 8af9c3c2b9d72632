// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// Broadcast by direct puts: the root puts the block into every peer's landing buffer and notifies
// the peer, which copies it out and returns the buffer by a credit. The root sends (P-1) blocks.
// Needs: a landing buffer of one block; signals 0 (arrived) and 1 (credit).
void broadcast_direct(Device& self, const RootedArgs& args) {
  const auto& [send, recv, landing, signals, uses, root, op] = args;
  const int ranks = self.ranks();
  if (self.rank() != root.index) {
    self.wait(signals[0]);
    self.copy(recv[0], landing[0]);
    return self.give_credit(root, signals[1]);
  }
  if (uses > 0 && ranks > 1) self.await_credits(signals[1], ranks - 1);
  for (int step = 1; step < ranks; ++step) {
    self.put(self.ahead(step), landing[0], send[0]);
  }
  for (int step = 1; step < ranks; ++step) {
    self.notify(self.ahead(step), signals[0]);
  }
  self.copy(recv[0], send[0]);
}

}  // namespace peal
