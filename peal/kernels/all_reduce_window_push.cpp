// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/address_exchange.h"
#include "peal/kernels/args.h"
#include "peal/machine/barrier.h"

namespace peal {

// All-reduce directly between windows: address exchange, rank r combines chunk r of every rank's
// send in rank order and writes it to every rank's recv, barrier. Each element is read and written
// once. Sends 2(P-1)/P of the buffer per rank. Needs: send and recv in windows; P signals for the
// exchange, and those of a barrier.
void all_reduce_window_push(Device& self, const AllReduceApartArgs& args) {
  const auto& [send, recv, inbox, signals, op] = args;
  const int me = self.rank();
  const AddressExchange exchange(self, signals, send.whole(), recv.whole());
  self.reduce(exchange.recv_of_all(recv[me]), exchange.send_of_all(send[me]), op);
  barrier(self, signals.from(self.ranks()));
}

}  // namespace peal
