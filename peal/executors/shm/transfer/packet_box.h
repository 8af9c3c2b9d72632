// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "peal/base/alignment.h"
#include "peal/executors/shm/wait/signal_owner_state.h"
#include "peal/machine/packets.h"
#include "peal/machine/signal.h"

namespace peal {

// A cache line of packets: data, and behind it the mark of the put that wrote them. The mark is the
// put's sequence number on this place in the lower 40 bits, and the sender's history of calls in
// the upper 24 (see stamp_shift). The mark is written last, with release, so a receiver that loads
// the expected mark with acquire has the data of the same line: one transfer of a cache line brings
// the data and the notification.
struct alignas(cache_line_bytes) PacketLine {
  static constexpr std::size_t data_bytes = 56;
  std::byte data[data_bytes] = {};
  std::uint64_t mark = 0;
};
static_assert(sizeof(PacketLine) == 64);

// A place for packets in a window of shared memory; the protocol is in executors/shm/packets.cpp.
// The doorbell counts the puts whose lines are written. A receiver looks at it only after it has
// spun on the lines in vain, so as a rule the doorbell's line stays in the sender's cache, and
// ringing it costs the sender no cache miss.
struct PacketBox {
  static constexpr std::size_t max_lines = Packets::max_bytes / PacketLine::data_bytes;

  SignalCell doorbell;
  PacketLine lines[max_lines];
  // From here on, only the owner of this memory reads and writes.
  alignas(cache_line_bytes)
      SignalOwnerState owner_state;  // the doorbell's; valid during a wait for the doorbell
  std::uint64_t taken = 0;           // the sequence number of the last put taken here
  // As a sender: the sequence number of this rank's last put to the same place of each part of the
  // arena. Null until its first put; private memory, since a rank sends from few of its places.
  std::uint64_t* puts = nullptr;

  // The lines of a put of `size_bytes`. A put of 0 bytes takes one line, for its mark.
  [[nodiscard]] static std::size_t lines_for(std::size_t size_bytes) {
    return std::max<std::size_t>(
        1, (size_bytes + PacketLine::data_bytes - 1) / PacketLine::data_bytes);
  }
};
static_assert(Packets::max_bytes % PacketLine::data_bytes == 0);

// The box of a place in this rank's own memory.
[[nodiscard]] inline PacketBox& packet_box(const Packets& packets) {
  return *reinterpret_cast<PacketBox*>(packets.data);
}

}  // namespace peal
