// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// Broadcast for large blocks: the root scatters chunk v to the v-th rank after it, then the chunks
// travel on a ring that ends before the root. The root sends 2(P-1)/P of the block. Only the root
// awaits credits: each peer forwards only after the root's chunk of the same launch has arrived.
// Needs: a landing buffer of one block, cut into P chunks; signals 0 (from the root), 1 (from the
// previous rank), 2 (credit). (van de Geijn 1994.)
void broadcast_scatter_all_gather(Device& self, const RootedArgs& args) {
  const auto& [send, recv, landing, signals, uses, root, op] = args;
  const int ranks = self.ranks(), me = (self.rank() - root.index + ranks) % ranks;
  const Rank next{(self.rank() + 1) % ranks};
  const Chunks chunks = me == 0 ? Chunks(send[0], ranks) : landing;
  if (me == 0) {
    if (uses > 0 && ranks > 1) self.await_credits(signals[2], ranks - 1);
    for (int peer = 1; peer < ranks; ++peer) {
      self.put(Rank{(root.index + peer) % ranks}, landing[peer], chunks[peer]);
    }
    for (int peer = 1; peer < ranks; ++peer) {
      self.notify(Rank{(root.index + peer) % ranks}, signals[0]);
    }
  } else {
    self.wait(signals[0]);
  }
  for (int step = 0; step < ranks - 1; ++step) {  // pass chunk me-step on, take chunk me-step-1
    if (me + 1 < ranks) {
      self.put(next, landing[me - step], chunks[me - step]);
      self.notify(next, signals[1]);
    }
    if (me != 0) self.wait(signals[1]);
  }
  self.copy(recv[0], chunks.whole());
  if (me != 0) self.give_credit(root, signals[2]);
}

}  // namespace peal
