// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// Broadcast by packets, which carry their own flags: the root puts the block to a place of every
// peer, which copies it out. Launches use the places in turn, so that the root can run ahead; with
// the last place a peer returns all of them by one credit. The root sends (P-1) blocks.
// Needs: eight places for packets, and signal 0 (credit).
void broadcast_packet(Device& self, const RootedPacketArgs& args) {
  const auto& [send, recv, packets, signals, uses, root] = args;
  const int ranks = self.ranks(), turn = static_cast<int>(uses % RootedPacketArgs::turns);
  const Signal credit = signals[0];
  if (self.rank() != root.index) {
    self.take_packets(recv[0], packets[turn]);
    if (turn == RootedPacketArgs::turns - 1) self.give_credit(root, credit);
    return;
  }
  if (uses > 0 && turn == 0 && ranks > 1) self.await_credits(credit, ranks - 1);
  for (int step = 1; step < ranks; ++step) {
    self.put_packets(self.ahead(step), packets[turn], send[0]);
  }
  self.copy(recv[0], send[0]);
}

}  // namespace peal
