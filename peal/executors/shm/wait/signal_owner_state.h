// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "peal/executors/shm/wait/waiter.h"
#include "peal/machine/signal.h"

namespace peal {

// What a rank keeps beside its cell of a signal, outside of the cell's line, which peers write:
// otherwise every wait would take that line from the next notifier (false sharing).
//
// The single-writer protocol. A notify to a peer's cell is a store to `stored` if this rank is that
// cell's single writer, and an atomic addition to `added` otherwise (ShmDevice::arrive):
//   1. At its first notify to the peer, a rank compare-exchanges the peer's `single_writer` from 0
//      to its own mark. One rank wins, and stays the single writer as long as the signal exists:
//      the word never changes again.
//   2. The rank remembers the outcome in its own writer_counts(), at the peer's index: the winner
//      its running total, which it stores from now on; all others `others`, and they add.
// So `stored` has one writer, whose stores are totals that only grow; `stored` + `added` counts
// each arrival once. A total is never taken for `unclaimed` or `others`: its lower 40 bits count
// the arrivals (see stamp_shift), and are neither all zeros nor all ones before 2^40 - 1 of them.
struct SignalOwnerState {
  // The total that this rank has stored in the cell of one peer, with its histories; or `unclaimed`
  // before step 1, or `others` if another rank is the single writer.
  using WriterCount = std::uint64_t;
  static constexpr WriterCount unclaimed = 0, others = UINT64_MAX;

  // The arrivals that the cell's owner has consumed, with their histories. Of the owner alone.
  std::uint64_t consumed = 0;
  // The single writer of the owner's cell: its part of the arena plus one, or 0.
  std::uint32_t single_writer = 0;

  // One for each part of the arena, directly behind this object. There are none if the arena has no
  // single writers.
  [[nodiscard]] WriterCount* writer_counts() { return reinterpret_cast<WriterCount*>(this + 1); }
  [[nodiscard]] static std::size_t bytes_for(int parts) {
    return sizeof(SignalOwnerState) + static_cast<std::size_t>(parts) * sizeof(WriterCount);
  }
};

// The owner state of a cell, which records its distance in bytes.
[[nodiscard]] inline SignalOwnerState& owner_state(SignalCell& cell) {
  return *reinterpret_cast<SignalOwnerState*>(reinterpret_cast<std::byte*>(&cell) +
                                              cell.owner_state);
}

// The word that counts a signal's arrivals.
[[nodiscard]] inline WaitWord wait_word(SignalCell& cell) {
  return {cell.added, cell.sleepers, cell.stored};
}

}  // namespace peal
