// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"
#include "peal/machine/barrier.h"

namespace peal {

// All-to-all by reads: every rank stages its P blocks by destination; barrier; every rank reads its
// block from every peer. Sends (P-1) blocks per rank. Needs: a landing buffer of P blocks.
void all_to_all_pull(Device& self, const AllToAllArgs& args) {
  const auto& [send, recv, landing, arrived] = args;
  const int me = self.rank(), ranks = self.ranks();
  for (int peer = 0; peer < ranks; ++peer) self.copy(landing[peer], send[peer]);
  barrier(self, arrived);
  for (int step = 0; step < ranks; ++step) {
    const int peer = self.ahead(step).index;
    self.get(recv[peer], Rank{peer}, landing[me]);
  }
}

}  // namespace peal
