// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// All-gather on a ring: in each of P-1 steps every rank forwards the block that it received last.
// Sends (P-1) blocks per rank. Needs: a landing buffer of P blocks.
void all_gather_ring(Device& self, const AllGatherArgs& args) {
  const auto& [send, recv, landing, arrived] = args;
  const int me = self.rank(), last = self.ranks() - 1;
  const Rank next{(me + 1) % self.ranks()};
  self.copy(recv[me], send);
  for (int step = 0; step < last; ++step) {
    self.put(next, landing[me - step], step == 0 ? send : landing[me - step]);
    self.notify(next, arrived[0]);
    self.wait(arrived[0]);
    self.copy(recv[me - step - 1], landing[me - step - 1]);
  }
}

}  // namespace peal
