// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// All-gather by direct puts: every rank puts its block into every peer's landing, then notifies
// all, waits for all and copies what landed. Starts with the next rank, so that no rank is
// everybody's first target. Sends (P-1) blocks per rank. Needs: a landing of P blocks; one signal,
// because a rank cannot be two launches ahead of one that it has not heard from.
void all_gather_direct(Device& self, const AllGatherArgs& args) {
  const auto& [send, recv, landing, arrived] = args;
  const int me = self.rank(), ranks = self.ranks();
  for (int step = 1; step < ranks; ++step) self.put(self.ahead(step), landing[me], send);
  for (int step = 1; step < ranks; ++step) self.notify(self.ahead(step), arrived[0]);
  self.copy(recv[me], send);
  if (ranks > 1) self.wait(arrived[0], ranks - 1);
  for (int peer = 0; peer < ranks; ++peer) {
    if (peer != me) self.copy(recv[peer], landing[peer]);
  }
}

}  // namespace peal
