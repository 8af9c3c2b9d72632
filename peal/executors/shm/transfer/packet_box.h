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

// A cache line of packets: data, and the mark of the put that it is of, which is written last: its
// number, and above that the stamp of its call (see stamped_arrival). Numbers only grow, so whoever
// waits for one sees in the line itself when the data is there.
struct alignas(cache_line_bytes) PacketLine {
  static constexpr std::size_t data_bytes = 56;
  std::byte data[data_bytes] = {};
  std::uint64_t mark = 0;
};
static_assert(sizeof(PacketLine) == 64);

// A place for packets as it lies in a window where ranks are real. The doorbell is the signal of a
// put whose lines are written. Only who has looked at the lines for long waits for it, so its line
// stays with the rank that puts, which takes it no time to write to.
struct PacketBox {
  static constexpr std::size_t max_lines = Packets::max_bytes / PacketLine::data_bytes;

  SignalCell doorbell;
  PacketLine lines[max_lines];
  // What follows belongs to the owner alone.
  alignas(cache_line_bytes)
      SignalOwnerState owner_state;  // of the doorbell; up to date while it is waited for
  std::uint64_t taken = 0;           // the number of the last put that was taken here
  // The number of this rank's last put to the counterpart in each part of the arena; in memory of
  // its own, since most places are put to by others.
  std::uint64_t* puts = nullptr;

  // Of a put of so many bytes; one of nothing takes a line, too, which brings its number.
  [[nodiscard]] static std::size_t lines_for(std::size_t size_bytes) {
    return std::max<std::size_t>(
        1, (size_bytes + PacketLine::data_bytes - 1) / PacketLine::data_bytes);
  }
};
static_assert(Packets::max_bytes % PacketLine::data_bytes == 0);

[[nodiscard]] inline PacketBox& packet_box(const Packets& packets) {
  return *reinterpret_cast<PacketBox*>(packets.data);
}

}  // namespace peal
