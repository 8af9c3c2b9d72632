// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstring>
#include <span>

#include "peal/kernels/args.h"
#include "peal/machine/window.h"

namespace peal {

// Broadcast straight between windows: the root tells every peer where its block lies, every peer
// reads it from there and tells the root, which returns when all have. The root sends (P-1) blocks.
// Needs: recv in a window; signals 0 (ready) and 1 (read).
void broadcast_window_pull(Device& self, const RootedArgs& args) {
  const auto& [send, recv, landing, signals, reused, root, op] = args;
  const int ranks = self.ranks();
  const View place = payload(signals[0], 1, DType::i64);
  const auto origin = reinterpret_cast<std::byte*>(signals[0].cell);  // the same on every rank
  std::int64_t distance = recv[0].data - origin;
  if (self.rank() != root.index) {
    self.wait(signals[0]);
    std::int64_t theirs = 0;
    std::memcpy(&theirs, self.read(place).data(), sizeof(theirs));
    if (theirs != 0) distance = theirs;  // which has not come where values are off
    self.get(recv[0], root, {origin + distance, recv[0].count, recv[0].dtype});
    return self.notify(root, signals[1]);
  }
  self.copy(recv[0], send[0]);
  for (int step = 1; step < ranks; ++step) {
    self.put_notify(Rank{(root.index + step) % ranks}, place,
                    View::of(std::span<std::int64_t>(&distance, 1)), signals[0]);
  }
  if (ranks > 1) self.wait(signals[1], ranks - 1);
}

}  // namespace peal
