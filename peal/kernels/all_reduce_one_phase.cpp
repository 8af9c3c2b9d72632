// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"
#include "peal/machine/barrier.h"

namespace peal {

// All-reduce in one phase: every rank stages its vector; barrier; every rank reads and combines
// every peer's whole vector, in rank order.
// Sends (P-1) times the buffer per rank. Needs: an inbox as large as send.
void all_reduce_one_phase(Device& self, const AllReduceApartArgs& args) {
  const auto& [send, recv, inbox, arrived, op] = args;
  self.copy(inbox.whole(), send.whole());
  barrier(self, arrived);
  self.reduce(recv.whole(), RankViews::on_every_rank(self.ranks(), inbox.whole()), op);
}

}  // namespace peal
