// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"
#include "peal/kernels/binomial_tree.h"

namespace peal {

// Reduce up a binomial tree: a rank combines what its children put into its inbox, smallest subtree
// first, and puts the result into its parent's. Sends one block per rank. The credits come last,
// because the next use may have another block size, and so its slots may overlap all of these.
// Needs: an inbox of L+1 blocks, one per child and the last for the partial result; signal k
// (child k arrived), and the last of L+1 (credit from the parent).
void reduce_tree(Device& self, const RootedArgs& args) {
  const auto& [send, recv, inbox, signals, uses, root, op] = args;
  const BinomialTree tree{self.ranks(), root};
  const int me = tree.position(self.rank()), children = tree.children(me);
  const Signal credit = signals[signals.count() - 1];
  const View partial = me == 0 ? recv[0] : inbox[inbox.parts() - 1];
  if (me == 0 || children > 0) self.copy(partial, send[0]);
  for (int child = 0; child < children; ++child) {
    self.wait(signals[child]);
    self.reduce(partial, inbox[child], op);
  }
  if (me != 0) {
    const Rank parent = tree.at(BinomialTree::parent(me));
    const int slot = BinomialTree::child_number(me);
    if (uses > 0) self.await_credits(credit, 1);
    self.put(parent, inbox[slot], children > 0 ? partial : send[0]);
    self.notify(parent, signals[slot]);
  }
  for (int child = 0; child < children; ++child) {
    self.give_credit(tree.at(me + (1 << child)), credit);
  }
}

}  // namespace peal
