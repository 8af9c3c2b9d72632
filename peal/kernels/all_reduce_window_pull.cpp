// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/address_exchange.h"
#include "peal/kernels/args.h"
#include "peal/machine/barrier.h"

namespace peal {

// All-reduce directly from windows: address exchange, rank r combines chunk r of every rank's send
// in rank order, barrier, and every rank reads each other chunk from the rank that combined it.
// Sends 2(P-1)/P of the buffer per rank. Needs: send in a window; an inbox as large as send, cut
// into P chunks, because peers may still read the chunk when this rank has returned; P signals for
// the exchange, and those of a barrier.
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
