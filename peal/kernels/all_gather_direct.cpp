// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// All-gather by direct puts: every rank puts its block into every peer's landing buffer, notifies
// all, waits for all and copies the blocks out. Begins with the next rank, so that first targets
// differ. Sends (P-1) blocks per rank. Needs: a landing buffer of P blocks; one signal for all
// peers, because a peer cannot be two launches ahead, and so cannot notify twice.
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
