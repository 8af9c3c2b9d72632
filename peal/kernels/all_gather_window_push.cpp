// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/address_exchange.h"
#include "peal/kernels/args.h"
#include "peal/machine/barrier.h"

namespace peal {

// All-gather directly into windows: address exchange, every rank writes its block to every rank's
// recv, barrier. Sends (P-1) blocks per rank. Needs: recv in a window; P signals for the exchange,
// and those of a barrier.
void all_gather_window_push(Device& self, const AllGatherArgs& args) {
  const auto& [send, recv, landing, signals] = args;
  const int me = self.rank(), ranks = self.ranks();
  const AddressExchange exchange(self, signals, send, recv[0]);
  for (int step = 1; step < ranks; ++step) {
    const int peer = self.ahead(step).index;
    self.put(Rank{peer}, exchange.recv_of(peer, recv[me]), send);
  }
  self.copy(recv[me], send);
  barrier(self, signals.from(ranks));
}

}  // namespace peal
