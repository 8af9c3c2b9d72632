// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"
#include "peal/machine/barrier.h"

namespace peal {

// All-reduce in two phases of direct reads: stage, barrier, rank r combines chunk r of all ranks in
// rank order; barrier; every rank reads each other chunk from the rank that combined it.
// Sends 2(P-1)/P of the buffer per rank. Needs: an inbox as large as send, cut into P chunks.
void all_reduce_two_phase(Device& self, const AllReduceApartArgs& args) {
  const auto& [send, recv, inbox, arrived, op] = args;
  const int me = self.rank(), ranks = self.ranks();
  self.copy(inbox.whole(), send.whole());
  barrier(self, arrived);
  self.reduce({{Rank{me}, inbox[me]}, {Rank{me}, recv[me]}},
              RankViews::on_every_rank(ranks, inbox[me]), op);
  barrier(self, arrived);
  for (int step = 1; step < ranks; ++step) {
    const int peer = self.ahead(step).index;
    self.get(recv[peer], Rank{peer}, inbox[peer]);
  }
}

}  // namespace peal
