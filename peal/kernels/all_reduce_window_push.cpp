// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"
#include "peal/machine/barrier.h"

namespace peal {

// All-reduce straight between windows: all meet, rank r combines chunk r of everybody's send in
// rank order and writes it to everybody's recv, and all meet again. Every element is read and
// written once. Sends 2(P-1)/P of the buffer per rank. Needs: send and recv in windows.
void all_reduce_window_push(Device& self, const AllReduceApartArgs& args) {
  const auto& [send, recv, inbox, arrived, op] = args;
  const int me = self.rank(), ranks = self.ranks();
  barrier(self, arrived);
  self.reduce(Places::on_every_rank(ranks, recv[me]), Places::on_every_rank(ranks, send[me]), op);
  barrier(self, arrived);
}

}  // namespace peal
