// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <span>

#include "peal/kernels/address_exchange.h"
#include "peal/kernels/args.h"

namespace peal {

// Broadcast directly between windows: the root sends every peer the position of its block; every
// peer reads it and notifies the root, which returns after all have. The root sends (P-1) blocks.
// Needs: recv in a window; signals 0 (ready) and 1 (read).
void broadcast_window_pull(Device& self, const RootedArgs& args) {
  const auto& [send, recv, landing, signals, uses, root, op] = args;
  const int ranks = self.ranks();
  const View place = payload(signals[0], 1, DType::i64);
  std::int64_t own = distance_from(signals[0], recv[0]);
  if (self.rank() != root.index) {
    self.wait(signals[0]);
    View block = recv[0];
    block.data += peer_offset(self, place, 0, own) - own;
    self.get(recv[0], root, block);
    return self.notify(root, signals[1]);
  }
  self.copy(recv[0], send[0]);
  for (int step = 1; step < ranks; ++step) {
    self.put_notify(self.ahead(step), place, View::of(std::span<std::int64_t>(&own, 1)),
                    signals[0]);
  }
  if (ranks > 1) self.wait(signals[1], ranks - 1);
}

}  // namespace peal
