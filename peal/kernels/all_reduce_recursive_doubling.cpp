// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include "peal/kernels/args.h"

namespace peal {

// All-reduce by recursive doubling: in round k each rank exchanges its whole partial result with
// the rank that differs in bit k. Ranks beyond the largest power of two send their data to a
// partner first, and get the result last. Sends L times the buffer per rank, in L steps, or one or
// two more if P is not a power of two. Needs: an inbox of L+1 buffers, and a signal for each.
// (Thakur, Rabenseifner and Gropp 2005.)
void all_reduce_recursive_doubling(Device& self, const AllReduceArgs& args) {
  const auto& [data, inbox, arrived, op] = args;
  const int me = self.rank(), ranks = self.ranks(), fold = inbox.parts() - 1;
  const int paired = static_cast<int>(std::bit_floor(static_cast<unsigned>(ranks)));
  if (me >= paired) {
    self.put(Rank{me - paired}, inbox[fold], data.whole());
    self.notify(Rank{me - paired}, arrived[fold]);
    self.wait(arrived[fold]);
    self.copy(data.whole(), inbox[fold]);
    return;
  }
  const bool has_partner = me + paired < ranks;
  if (has_partner) {
    self.wait(arrived[fold]);
    self.reduce(data.whole(), inbox[fold], op);
  }
  for (int round = 0, bit = 1; bit < paired; ++round, bit *= 2) {
    const Rank peer{me ^ bit};
    self.put(peer, inbox[round], data.whole());
    self.notify(peer, arrived[round]);
    self.wait(arrived[round]);
    self.reduce(data.whole(), inbox[round], op);
  }
  if (has_partner) {
    self.put(Rank{me + paired}, inbox[fold], data.whole());
    self.notify(Rank{me + paired}, arrived[fold]);
  }
}

}  // namespace peal
