// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/address_exchange.h"
#include "peal/kernels/args.h"
#include "peal/machine/barrier.h"

namespace peal {

// Reduce-scatter directly from windows: address exchange, every rank reads and combines its own
// block of every rank's send, in rank order, barrier. Sends (P-1) blocks per rank. Needs: send in a
// window; P signals for the exchange, and those of a barrier.
void reduce_scatter_window_pull(Device& self, const ReduceScatterArgs& args) {
  const auto& [send, recv, inbox, signals, op] = args;
  const AddressExchange exchange(self, signals, send[0], recv);
  self.reduce(recv, exchange.send_of_all(send[self.rank()]), op);
  barrier(self, signals.from(self.ranks()));
}

}  // namespace peal
