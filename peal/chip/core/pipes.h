// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "peal/base/source_place.h"
#include "peal/base/units.h"
#include "peal/chip/core/event_emitter.h"
#include "peal/chip/core/flags.h"
#include "peal/chip/core/instruction.h"
#include "peal/chip/core/pipe_queue.h"
#include "peal/chip/core/polled_accesses.h"
#include "peal/chip/core/scalar_unit.h"
#include "peal/chip/core/timing.h"
#include "peal/chip/fabric.h"
#include "peal/chip/tile_operation.h"
#include "peal/run/pipe.h"
#include "peal/run/platform.h"

namespace peal {

// The pipes of a core: they execute queued instructions in order within a pipe and asynchronously
// between pipes. A store leaves its pipe when it is executed, and becomes visible later. A pipe
// whose next instruction can be executed has a step on the agenda. Pipes wake the scalar unit when
// what it waits for has happened here.
class Pipes {
 public:
  Pipes(Fabric& fabric, ScalarUnit& scalar, PolledAccesses& polled, EventEmitter& events);

  // Issue: if the queue has room, the caller fills in its next slot and calls issue(). Slots are
  // reused: members that an instruction's opcode does not use keep stale values.
  [[nodiscard]] bool has_room(Pipe pipe) {
    PipeQueue& to = queue(pipe);
    if (to.ring.empty()) allocate(pipe);
    return to.has_room();
  }
  [[nodiscard]] Instruction& next_slot(Pipe pipe) { return queue(pipe).next_slot(); }
  void issue(Pipe pipe) {
    PipeQueue& to = queue(pipe);
    ++to.size;
    if (to.state == PipeQueue::State::idle) advance(pipe);
  }
  // Keeps the operands of a tile instruction until it is executed; returns Instruction::count.
  [[nodiscard]] std::uint32_t keep_operands(const TileOperation& operation);

  // The flags, for the scalar unit to test and take. fire() sets one and resumes who waits for it.
  [[nodiscard]] Flags& flags() { return flags_; }
  void fire(std::uint32_t flag, Picoseconds time);

  // Drains. Barriers and dsb wait for all pipes except the DMA engine.
  // True if these queues are empty and, if drained stores are visible on this platform, no store is
  // in flight.
  [[nodiscard]] bool are_drained() const;
  // The time at which they were drained. Precondition: are_drained().
  [[nodiscard]] Picoseconds drain_time() const;
  [[nodiscard]] bool have_invisible_stores() const;
  // The latest time at which a store has become visible.
  [[nodiscard]] Picoseconds last_visible() const;
  // True if any instruction is queued, on any pipe.
  [[nodiscard]] bool are_busy() const;

  // The DMA engine: transfers are its stores. A transfer is complete when it and all earlier ones
  // are visible at their destinations.
  [[nodiscard]] bool have_completed(std::uint32_t transfers) const {
    return queue(Pipe::dma).stores.has_seen(transfers);
  }
  [[nodiscard]] std::uint32_t executed_transfers() const {
    return queue(Pipe::dma).stores.executed();
  }

  // At a deadlock, the source place of the first wait_flag in program order at which a pipe is
  // blocked; the scalar unit's place if none is.
  [[nodiscard]] SourcePlace missing_flag() const;

  // Takes a pipe's step: executes the instruction at the head of its queue.
  void step(Pipe pipe, Picoseconds time);
  // The pipe's store of this number has become visible.
  void store_visible(Pipe pipe, std::uint32_t sequence, Picoseconds time);

  // Discards queued instructions and clears flags. Stores in flight still become visible.
  void restart();

 private:
  [[nodiscard]] PipeQueue& queue(Pipe pipe) { return queues_[static_cast<std::size_t>(pipe)]; }
  [[nodiscard]] const PipeQueue& queue(Pipe pipe) const {
    return queues_[static_cast<std::size_t>(pipe)];
  }
  // All pipes except the DMA engine.
  [[nodiscard]] std::span<const PipeQueue> drained_pipes() const {
    static_assert(static_cast<int>(Pipe::dma) == pipe_count - 1);
    return std::span(queues_).first(pipe_count - 1);
  }
  void allocate(Pipe pipe);
  // Goes on at the head of the queue until a step, a flag or a store is waited for.
  void advance(Pipe pipe);
  void check_drained();
  [[nodiscard]] bool is_store(const Instruction& instruction) const {
    return instruction.opcode == Opcode::store ||
           (instruction.opcode == Opcode::tile && tile_operations_[instruction.count].stores());
  }

  // Execution (pipes_execution.cpp).
  void execute(Pipe pipe, const Instruction& instruction, Picoseconds time);
  void execute_load(Pipe pipe, const Instruction& instruction, Picoseconds time);
  void execute_store(Pipe pipe, const Instruction& instruction, Picoseconds time);
  void execute_vector(Pipe pipe, const Instruction& instruction, Picoseconds time);
  void execute_tile(Pipe pipe, const Instruction& instruction, Picoseconds time);
  void execute_tile_load(Pipe pipe, const Instruction& instruction, const TileOperation& operation,
                         Picoseconds time);
  void execute_tile_store(Pipe pipe, const Instruction& instruction, const TileOperation& operation,
                          Picoseconds time);
  struct Route {  // the ranks whose memories a transfer is between
    int from = 0, to = 0;
  };
  [[nodiscard]] Picoseconds transfer_end(Route route, Timing::TransferTime needed,
                                         Picoseconds time);
  Fabric::StoreInFlight& send_store(Pipe pipe, Picoseconds latency, const Instruction& instruction);
  [[nodiscard]] EventEmitter::Execution execution(Pipe pipe, Picoseconds begin) const {
    return {pipe, begin, queue(pipe).free, queue(pipe).stores.executed()};
  }

  Fabric& fabric_;
  const Platform& platform_;
  ScalarUnit& scalar_;
  PolledAccesses& polled_;
  EventEmitter& events_;
  Timing timing_;
  int rank_;
  int core_;  // its index
  std::array<PipeQueue, pipe_count> queues_;
  Flags flags_;
  // The operands of queued tile instructions; a slot is free again once its instruction executed.
  std::vector<TileOperation> tile_operations_;
  std::vector<std::uint32_t> free_tile_operations_;
};

}  // namespace peal
