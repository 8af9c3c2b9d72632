// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "peal/base/units.h"
#include "peal/chip/core/instruction.h"
#include "peal/chip/core/store_window.h"

namespace peal {

// The queue of one pipe: a ring of instructions, and the state that follows from its head.
struct PipeQueue {
  // idle: the queue is empty. scheduled: exactly one step of the pipe is on the agenda, for the
  // instruction at the head. flag: the head waits for an event flag. visible: the head waits until
  // earlier stores of the pipe are visible.
  enum class State : std::uint8_t { idle, scheduled, flag, visible };

  std::vector<Instruction> ring;  // allocated at first use; its size is the queue's depth
  std::uint32_t head = 0, size = 0;
  State state = State::idle;
  Picoseconds free = 0;  // when the last instruction executed ends
  std::uint32_t blocked_flag = 0;
  StoreWindow stores;
  struct PendingFlag {  // is set when all stores before number `sequence` are visible
    std::uint32_t sequence = 0, flag = 0;
  };
  std::vector<PendingFlag> pending_flags;
  std::uint32_t stale_steps = 0;  // steps on the agenda from before a restart, to be ignored

  [[nodiscard]] bool has_room() const { return size < ring.size(); }
  // The free slot after the last instruction. Precondition: has_room().
  [[nodiscard]] Instruction& next_slot() {
    std::size_t slot = head + size;
    if (slot >= ring.size()) slot -= ring.size();
    return ring[slot];
  }
  void pop() {
    if (++head == ring.size()) head = 0;
    --size;
  }
};

}  // namespace peal
