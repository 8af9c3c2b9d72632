// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// All-to-all by writes: every rank puts block d into slot `me` of rank d's landing buffer, notifies
// all, waits for all and copies the slots out. Sends (P-1) blocks per rank. Needs: P blocks of
// landing; one signal for all, because no peer can be two launches ahead and so notify twice.
void all_to_all_push(Device& self, const AllToAllArgs& args) {
  const auto& [send, recv, landing, arrived] = args;
  const int me = self.rank(), ranks = self.ranks();
  for (int step = 1; step < ranks; ++step) {
    const int peer = self.ahead(step).index;
    self.put(Rank{peer}, landing[me], send[peer]);
  }
  for (int step = 1; step < ranks; ++step) self.notify(self.ahead(step), arrived[0]);
  self.copy(recv[me], send[me]);
  if (ranks > 1) self.wait(arrived[0], ranks - 1);
  for (int peer = 0; peer < ranks; ++peer) {
    if (peer != me) self.copy(recv[peer], landing[peer]);
  }
}

}  // namespace peal
