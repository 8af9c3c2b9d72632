// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/address_exchange.h"
#include "peal/kernels/args.h"
#include "peal/machine/barrier.h"

namespace peal {

// All-reduce straight from windows: all meet, rank r combines chunk r of everybody's send in rank
// order, all meet again, and every rank reads every other chunk from the rank that combined it.
// Sends 2(P-1)/P of the buffer per rank. Needs: send in a window; an inbox as large as send, cut
// into P chunks, because peers may still read from it when this rank has returned; P signals to
// meet, and those of a barrier.
void all_reduce_window_pull(Device& self, const AllReduceApartArgs& args) {
  const auto& [send, recv, inbox, signals, op] = args;
  const int me = self.rank(), ranks = self.ranks();
  const AddressExchange exchange(self, signals, send.whole(), recv.whole());
  self.reduce({{Rank{me}, inbox[me]}, {Rank{me}, recv[me]}}, exchange.send_of_all(send[me]), op);
  barrier(self, signals.from(ranks));
  for (int step = 1; step < ranks; ++step) {
    const int peer = self.ahead(step).index;
    self.get(recv[peer], Rank{peer}, inbox[peer]);
  }
}

}  // namespace peal
