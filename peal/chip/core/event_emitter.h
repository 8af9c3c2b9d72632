// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "peal/base/source_place.h"
#include "peal/base/units.h"
#include "peal/chip/core/instruction.h"
#include "peal/chip/core/scalar_unit.h"
#include "peal/chip/fabric.h"
#include "peal/chip/tile_operation.h"
#include "peal/run/event.h"

namespace peal {

// Builds the events of one core and sends them to the run's readers. Nothing is built or counted
// in a run without readers.
class EventEmitter {
 public:
  EventEmitter(const Fabric& fabric, const ScalarUnit& scalar) : fabric_(fabric), scalar_(scalar) {}

  [[nodiscard]] bool is_observed() const { return fabric_.observed(); }
  // The number of ordering events (see orders()) of this core so far. An instruction that is queued
  // carries it from its issue to its execution.
  [[nodiscard]] std::uint32_t ordering_events() const { return ordering_events_; }

  // Emits an event that is issued now. Fills in the core and its rank; and the scalar unit's time,
  // and the number of its last instruction, where unset.
  void emit(Event event) {
    if (!is_observed()) return;
    event.issued = ordering_events_;
    send(event);
  }
  // A barrier, dsb or the like, of the scalar unit.
  void emit_sync(EventKind kind, Pipe pipe, SourcePlace place);
  // A scalar access; `value` is what a store gives to a word, or what a load of a polled word
  // finds.
  void emit_access(EventKind kind, const std::byte* address, std::size_t size, bool cached,
                   SourcePlace place, std::int64_t value = 0, Look look = Look::none);
  // A wait for a signal that was satisfied, or a poll of one.
  void emit_signal(EventKind kind, const ScalarUnit::Wait& wait, bool polled,
                   Look look = Look::none);

  // Emits a flag or barrier that takes effect in a pipe's queue at `begin`.
  void emit_queued(EventKind kind, Pipe pipe, const Instruction& instruction, Picoseconds begin);
  struct Execution {  // of an instruction by its pipe
    Pipe pipe{};
    Picoseconds begin = 0, end = 0;
    std::uint32_t store = 0;  // if it is a store: its number among the pipe's stores
  };
  // A load, store, combine or convert.
  void emit_transfer(const Execution& execution, const Instruction& instruction);
  // A tile instruction; `runs` are the bytes of global memory that it loads or stores.
  void emit_tile(const Execution& execution, const Instruction& instruction,
                 const TileOperation& operation, std::span<const GlobalRun> runs);

 private:
  // Fills in the rest of the event. Precondition: the run is observed.
  void send(Event& event);
  [[nodiscard]] int owner(const std::byte* address) const {
    return fabric_.memory().owner(address, scalar_.rank());
  }

  const Fabric& fabric_;
  const ScalarUnit& scalar_;
  std::uint32_t ordering_events_ = 0;
  std::vector<Footprint> reads_, writes_;  // of the event being sent
};

}  // namespace peal
