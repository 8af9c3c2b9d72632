// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "peal/machine/device.h"
#include "peal/machine/window.h"

namespace peal {

// The position of a view, in bytes from a signal; signals have the same offset on every rank.
[[nodiscard]] inline std::int64_t distance_from(Signal signal, const View& view) {
  return view.data - reinterpret_cast<std::byte*>(signal.cell);
}

// The distance that a peer has put into entry `which` of `places`. If a simulation moves no values,
// the entry is still 0: then the peer's view is taken to lie at this rank's own distance.
[[nodiscard]] inline std::int64_t peer_offset(Device& self, const View& places, std::size_t which,
                                              std::int64_t own) {
  std::int64_t theirs = 0;
  std::memcpy(&theirs, self.read(places).data() + which * sizeof(theirs), sizeof(theirs));
  return theirs != 0 ? theirs : own;
}

// An address exchange: every rank learns where every peer's send and recv lie in the peer's window.
// It is also a barrier. Needs: a signal per rank, whose payload stays until the next barrier.
class AddressExchange {
 public:
  AddressExchange(Device& self, const SignalRow& cells, const View& send, const View& recv)
      : self_(self),
        cells_(cells),
        own_{distance_from(cells[0], send), distance_from(cells[0], recv)} {
    const int me = self.rank(), ranks = self.ranks();
    const View mine = View::of(std::span<std::int64_t>(own_));
    for (int step = 1; step < ranks; ++step) {
      self.put_notify(self.ahead(step), places(me), mine, cells[me]);
    }
    for (int peer = 0; peer < ranks; ++peer) {
      if (peer != me) self.wait(cells[peer]);
    }
  }

  // Translates a part of this rank's send or recv to the peer's, as Device's verbs expect it.
  [[nodiscard]] View send_of(int peer, const View& mine) const { return on(peer, mine, 0); }
  [[nodiscard]] View recv_of(int peer, const View& mine) const { return on(peer, mine, 1); }

  [[nodiscard]] RankViews send_of_all(const View& mine) const { return on_all(mine, 0); }
  [[nodiscard]] RankViews recv_of_all(const View& mine) const { return on_all(mine, 1); }

 private:
  [[nodiscard]] View places(int of) const { return payload(cells_[of], own_.size(), DType::i64); }
  [[nodiscard]] View on(int peer, View mine, std::size_t which) const {
    if (peer == self_.rank()) return mine;
    mine.data += peer_offset(self_, places(peer), which, own_[which]) - own_[which];
    return mine;
  }
  [[nodiscard]] RankViews on_all(const View& mine, std::size_t which) const {
    RankViews all;
    for (int peer = 0; peer < self_.ranks(); ++peer) {
      all.add({Rank{peer}, on(peer, mine, which)});
    }
    return all;
  }

  Device& self_;
  const SignalRow& cells_;
  std::array<std::int64_t, 2> own_;
};

}  // namespace peal
