// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// Broadcast through a ring buffer: the root copies the block into a slot of its own and notifies
// every peer, which reads it from there. Launches use the slots in turn, so that the root can run
// ahead; after reading the last slot a peer returns all by one credit. The root sends (P-1) blocks.
// Needs: 8 blocks, the slots; a signal for each (ready), and one more (credit).
void broadcast_fifo(Device& self, const RootedArgs& args) {
  const auto& [send, recv, slots, signals, uses, root, op] = args;
  const int ranks = self.ranks(), last = slots.parts() - 1;
  const int turn = static_cast<int>(uses % static_cast<std::uint64_t>(slots.parts()));
  if (self.rank() != root.index) {
    self.wait(signals[turn]);
    self.get(recv[0], root, slots[turn]);
    if (turn == last) self.give_credit(root, signals[last + 1]);
    return;
  }
  if (uses > 0 && turn == 0 && ranks > 1) self.await_credits(signals[last + 1], ranks - 1);
  if (ranks > 1) self.copy(slots[turn], send[0]);
  for (int step = 1; step < ranks; ++step) self.notify(self.ahead(step), signals[turn]);
  self.copy(recv[0], send[0]);
}

}  // namespace peal
