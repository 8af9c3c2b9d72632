// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// Reduce by direct reads: every rank stages its block and notifies the root, which reads and
// combines all in rank order and returns the stages by credits. Sends one block per rank.
// Needs: a staging buffer of one block; signals 0 (staged) and 1 (credit).
void reduce_direct(Device& self, const RootedArgs& args) {
  const auto& [send, recv, stage, signals, uses, root, op] = args;
  const int me = self.rank(), ranks = self.ranks();
  if (me != root.index) {
    if (uses > 0) self.await_credits(signals[1], 1);
    self.copy(stage[0], send[0]);
    return self.notify(root, signals[0]);
  }
  self.copy(stage[0], send[0]);
  if (ranks > 1) self.wait(signals[0], ranks - 1);
  self.reduce(recv[0], RankViews::on_every_rank(ranks, stage[0]), op);
  for (int peer = 0; peer < ranks; ++peer) {
    if (peer != me) self.give_credit(Rank{peer}, signals[1]);
  }
}

}  // namespace peal
