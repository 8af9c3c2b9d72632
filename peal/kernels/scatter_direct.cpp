// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// Scatter by direct puts: the root puts block r into rank r's landing buffer and notifies that
// rank, which copies it out and returns the buffer by a credit. The root sends (P-1) blocks.
// Needs: a landing buffer of one block; signals 0 (arrived) and 1 (credit).
void scatter_direct(Device& self, const RootedArgs& args) {
  const auto& [send, recv, landing, signals, uses, root, op] = args;
  const int me = self.rank(), ranks = self.ranks();
  if (me != root.index) {
    self.wait(signals[0]);
    self.copy(recv[0], landing[0]);
    return self.give_credit(root, signals[1]);
  }
  if (uses > 0 && ranks > 1) self.await_credits(signals[1], ranks - 1);
  for (int step = 1; step < ranks; ++step) {
    const int peer = self.ahead(step).index;
    self.put(Rank{peer}, landing[0], send[peer]);
  }
  for (int step = 1; step < ranks; ++step) self.notify(self.ahead(step), signals[0]);
  self.copy(recv[0], send[me]);
}

}  // namespace peal
