// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// All-reduce on a ring: reduce-scatter, then all-gather, P-1 steps each.
// Sends 2(P-1)/P of the buffer per rank. Needs: data in a window, an inbox as large as data, cut
// into the same chunks. (Patarasuk and Yuan 2009.)
void all_reduce_ring(Device& self, const AllReduceArgs& args) {
  const auto& [data, inbox, arrived, op] = args;
  const int me = self.rank(), last = self.ranks() - 1;
  const Rank next{(me + 1) % self.ranks()};
  for (int step = 0; step < last; ++step) {  // reduce-scatter
    self.put(next, inbox[me - step], data[me - step]);
    self.notify(next, arrived[0]);
    self.wait(arrived[0]);
    self.reduce(data[me - step - 1], inbox[me - step - 1], op);
  }
  for (int step = 0; step < last; ++step) {  // all-gather
    self.put(next, data[me - step + 1], data[me - step + 1]);
    self.notify(next, arrived[0]);
    self.wait(arrived[0]);
  }
}

}  // namespace peal
