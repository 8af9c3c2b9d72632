// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/address_exchange.h"
#include "peal/kernels/args.h"
#include "peal/machine/barrier.h"

namespace peal {

// All-to-all directly into windows: address exchange, every rank writes each of its blocks to the
// recv of the block's destination, barrier. Sends (P-1) blocks per rank. Needs: recv in a window,
// and distinct from send; P signals for the exchange, and those of a barrier.
void all_to_all_window_push(Device& self, const AllToAllArgs& args) {
  const auto& [send, recv, landing, signals] = args;
  const int me = self.rank(), ranks = self.ranks();
  const AddressExchange exchange(self, signals, send[0], recv[0]);
  for (int step = 1; step < ranks; ++step) {
    const int peer = self.ahead(step).index;
    self.put(Rank{peer}, exchange.recv_of(peer, recv[me]), send[peer]);
  }
  self.copy(recv[me], send[me]);
  barrier(self, signals.from(ranks));
}

}  // namespace peal
