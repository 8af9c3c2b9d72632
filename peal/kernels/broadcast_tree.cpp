// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"
#include "peal/kernels/binomial_tree.h"

namespace peal {

// Broadcast down a binomial tree: a rank forwards the block that landed to its children, largest
// subtree first, copies it out and returns its landing buffer to the parent by a credit. A rank
// sends at most L blocks, in L steps. Needs: one block; signals 0 (arrived) and 1 (credit).
void broadcast_tree(Device& self, const RootedArgs& args) {
  const auto& [send, recv, landing, signals, uses, root, op] = args;
  const BinomialTree tree{self.ranks(), root};
  const int me = tree.position(self.rank()), children = tree.children(me);
  const View block = me == 0 ? send[0] : landing[0];
  if (me != 0) self.wait(signals[0]);
  if (uses > 0 && children > 0) self.await_credits(signals[1], children);
  for (int child = children - 1; child >= 0; --child) {
    const Rank to = tree.at(me + (1 << child));
    self.put(to, landing[0], block);
    self.notify(to, signals[0]);
  }
  self.copy(recv[0], block);
  if (me != 0) self.give_credit(tree.at(BinomialTree::parent(me)), signals[1]);
}

}  // namespace peal
