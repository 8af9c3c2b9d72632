// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// Gather by direct puts: every rank puts its block into its slot of the root's landing buffer and
// notifies the root, which copies all out and returns the slots by credits. Sends a block per rank.
// Needs: a landing buffer of P blocks; signals 0 (arrived) and 1 (credit).
void gather_direct(Device& self, const RootedArgs& args) {
  const auto& [send, recv, landing, signals, uses, root, op] = args;
  const int me = self.rank(), ranks = self.ranks();
  if (me != root.index) {
    if (uses > 0) self.await_credits(signals[1], 1);
    self.put(root, landing[me], send[0]);
    return self.notify(root, signals[0]);
  }
  self.copy(recv[me], send[0]);
  if (ranks > 1) self.wait(signals[0], ranks - 1);
  for (int peer = 0; peer < ranks; ++peer) {
    if (peer != me) self.copy(recv[peer], landing[peer]);
  }
  for (int peer = 0; peer < ranks; ++peer) {
    if (peer != me) self.give_credit(Rank{peer}, signals[1]);
  }
}

}  // namespace peal
