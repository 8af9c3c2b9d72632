// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "peal/executors/shm/wait/waiter.h"
#include "peal/machine/signal.h"

namespace peal {

// What belongs to a rank's cell of a signal, but not into the line that others write to.
struct SignalOwnerState {
  // What this rank has stored at the counterpart of the cell in one part of the arena: the sum of
  // the arrivals, with their stamps. Nothing as long as it has not asked who posts there.
  using WriterCount = std::uint64_t;
  static constexpr WriterCount unclaimed = 0, others = UINT64_MAX;

  std::uint64_t consumed = 0;  // by the owner of the cell: the sum of the arrivals and their stamps
  // Who alone stores the cell's `stored`: the number of its part of the arena, plus one. The first
  // one that notifies becomes it and stays it.
  std::uint32_t single_writer = 0;

  // By part of the arena; there are none where all notifies add.
  [[nodiscard]] WriterCount* writer_counts() { return reinterpret_cast<WriterCount*>(this + 1); }
  [[nodiscard]] static std::size_t bytes_for(int parts) {
    return sizeof(SignalOwnerState) + static_cast<std::size_t>(parts) * sizeof(WriterCount);
  }
};

[[nodiscard]] inline SignalOwnerState& owner_state(SignalCell& cell) {
  return *reinterpret_cast<SignalOwnerState*>(reinterpret_cast<std::byte*>(&cell) +
                                              cell.owner_state);
}

// The word of a signal's arrivals.
[[nodiscard]] inline WaitWord wait_word(SignalCell& cell) {
  return {cell.added, cell.sleepers, cell.stored};
}

}  // namespace peal
