// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// Reduce-scatter on a ring: block b starts at rank b+1 and collects one rank's part in each of P-1
// steps; each rank writes its combination directly into the next rank's inbox.
// Sends (P-1) blocks per rank. Needs: an inbox of P blocks.
void reduce_scatter_ring(Device& self, const ReduceScatterArgs& args) {
  const auto& [send, recv, inbox, arrived, op] = args;
  const int me = self.rank(), last = self.ranks() - 1;
  const Rank next{(me + 1) % self.ranks()};
  if (last == 0) return self.copy(recv, send[me]);
  self.put(next, inbox[me - 1], send[me - 1]);
  self.notify(next, arrived[0]);
  for (int step = 1; step < last; ++step) {
    const int block = me - 1 - step;
    self.wait(arrived[0]);
    self.reduce({{next, inbox[block]}}, {{Rank{me}, inbox[block]}, {Rank{me}, send[block]}}, op);
    self.notify(next, arrived[0]);
  }
  self.wait(arrived[0]);
  self.reduce(recv, {{Rank{me}, inbox[me]}, {Rank{me}, send[me]}}, op);
}

}  // namespace peal
