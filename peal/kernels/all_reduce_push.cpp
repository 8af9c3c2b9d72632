// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// All-reduce by writes: every rank puts its vector into its own part of every peer's inbox, waits
// for all vectors and combines them in rank order. Sends (P-1) times the buffer per rank. Needs: an
// inbox of P buffers, and a signal for each rank.
void all_reduce_push(Device& self, const AllReduceApartArgs& args) {
  const auto& [send, recv, inbox, arrived, op] = args;
  const int me = self.rank(), ranks = self.ranks();
  for (int step = 1; step < ranks; ++step) {
    self.put(self.ahead(step), inbox[me], send.whole());
  }
  for (int step = 1; step < ranks; ++step) self.notify(self.ahead(step), arrived[me]);
  RankViews parts;
  for (int peer = 0; peer < ranks; ++peer) {
    if (peer != me) self.wait(arrived[peer]);
    parts.add({Rank{me}, peer == me ? send.whole() : inbox[peer]});
  }
  self.reduce(recv.whole(), parts, op);
}

}  // namespace peal
