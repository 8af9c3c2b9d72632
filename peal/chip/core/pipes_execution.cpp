// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "peal/base/error.h"
#include "peal/chip/core/pipes.h"
#include "peal/machine/arithmetic.h"

// What the pipes' instructions do when they are executed, and when they end.

namespace peal {
namespace {

std::size_t total_bytes(std::span<const GlobalRun> runs) {
  std::size_t bytes = 0;
  for (const GlobalRun& run : runs) bytes += run.size_bytes;
  return bytes;
}

}  // namespace

void Pipes::execute(Pipe pipe, const Instruction& instruction, Picoseconds time) {
  switch (instruction.opcode) {
    case Opcode::load:
      return execute_load(pipe, instruction, time);
    case Opcode::store:
      return execute_store(pipe, instruction, time);
    case Opcode::combine:
    case Opcode::convert:
      return execute_vector(pipe, instruction, time);
    case Opcode::tile:
      return execute_tile(pipe, instruction, time);
    case Opcode::set_flag:
    case Opcode::wait_flag:
    case Opcode::barrier:
      break;
  }
  PEAL_CHECK(false);  // advance() handles these
}

// The time at which a transfer ends that starts at `time`. Between two ranks it occupies their
// link.
Picoseconds Pipes::transfer_end(Route route, Timing::TransferTime needed, Picoseconds time) {
  const Picoseconds start = time + needed.startup;
  if (route.from == route.to) return start + needed.duration;
  return fabric_.use_link(route.from, route.to, start, needed.duration);
}

// Puts a store in flight that leaves the pipe at the end of the instruction (`free`) and becomes
// visible `latency` later. The caller fills in its destination and values.
Fabric::StoreInFlight& Pipes::send_store(Pipe pipe, Picoseconds latency,
                                         const Instruction& instruction) {
  PipeQueue& self = queue(pipe);
  Fabric::StoreInFlight& flight = fabric_.send_store(self.free + latency);
  flight.core = core_;
  flight.pipe = pipe;
  flight.sequence = self.stores.execute();
  flight.place = instruction.place();
  flight.runs.clear();
  return flight;
}

void Pipes::execute_load(Pipe pipe, const Instruction& instruction, Picoseconds time) {
  const std::size_t bytes = instruction.count * size_bytes(instruction.dtype);
  const int owner = fabric_.memory().owner(instruction.src, rank_);
  queue(pipe).free =
      transfer_end({.from = owner, .to = rank_},
                   timing_.load({.size_bytes = bytes, .is_remote = owner != rank_}), time);
  events_.emit_transfer(execution(pipe, time), instruction);
  if (fabric_.values()) std::memcpy(instruction.dst, instruction.src, bytes);
}

void Pipes::execute_store(Pipe pipe, const Instruction& instruction, Picoseconds time) {
  const std::size_t bytes = instruction.count * size_bytes(instruction.dtype);
  const int owner = fabric_.memory().owner(instruction.dst, rank_);
  const bool is_dma = pipe == Pipe::dma;
  const int from = is_dma ? fabric_.memory().owner(instruction.src, rank_) : rank_;
  const Timing::Transfer transfer{.size_bytes = bytes, .is_remote = from != owner};
  queue(pipe).free = transfer_end({.from = from, .to = owner},
                                  is_dma ? timing_.dma(transfer) : timing_.store(transfer), time);
  events_.emit_transfer(execution(pipe, time), instruction);
  Fabric::StoreInFlight& flight =
      send_store(pipe, is_dma ? 0 : timing_.visibility(transfer), instruction);
  flight.dst = instruction.dst;
  flight.count = instruction.count;
  flight.dtype = instruction.dtype;
  flight.op = instruction.op;
  flight.atomic = instruction.atomic;
  if (fabric_.values()) flight.data.assign(instruction.src, instruction.src + bytes);
  if (!polled_.are_tracked()) return;
  const GlobalRun run{flight.dst, bytes};
  polled_.note_executed_store(pipe, instruction, flight, {&run, 1});
}

void Pipes::execute_vector(Pipe pipe, const Instruction& instruction, Picoseconds time) {
  const bool converts = instruction.opcode == Opcode::convert;
  std::size_t bytes = instruction.count * size_bytes(instruction.dtype);
  if (converts) {
    bytes = std::max(bytes, instruction.count * size_bytes(instruction.source_dtype));
  }
  queue(pipe).free = time + (converts ? timing_.convert(bytes) : timing_.combine(bytes));
  events_.emit_transfer(execution(pipe, time), instruction);
  if (!fabric_.values()) return;
  if (converts) {
    convert(instruction.dtype, instruction.dst, instruction.source_dtype, instruction.src,
            instruction.count);
  } else {
    combine(instruction.dtype, instruction.op, instruction.dst, instruction.src, instruction.other,
            instruction.count);
  }
}

void Pipes::execute_tile(Pipe pipe, const Instruction& instruction, Picoseconds time) {
  const TileOperation& operation = tile_operations_[instruction.count];
  if (operation.opcode == TileOpcode::load) {
    execute_tile_load(pipe, instruction, operation, time);
  } else if (operation.stores()) {
    execute_tile_store(pipe, instruction, operation, time);
  } else {
    queue(pipe).free = time + timing_.tile(pipe, operation);
    events_.emit_tile(execution(pipe, time), instruction, operation, {});
    if (fabric_.values()) carry_out(operation);
  }
  free_tile_operations_.push_back(instruction.count);
}

void Pipes::execute_tile_load(Pipe pipe, const Instruction& instruction,
                              const TileOperation& operation, Picoseconds time) {
  const std::vector<GlobalRun> runs = moved_runs(operation.global, operation.dst);
  const int owner = fabric_.memory().owner(operation.global.data, rank_);
  // A load must find this core's own executed stores. If drained stores are visible, a load that
  // is ordered after a store finds it in memory; otherwise the store may be in flight still.
  const bool may_miss =
      owner == rank_ && !platform_.switches.drained_is_visible &&
      (queue(Pipe::mte3).stores.has_invisible() || queue(Pipe::fix).stores.has_invisible());
  if (may_miss) fabric_.forward_own_stores(core_, runs);
  queue(pipe).free = transfer_end({.from = owner, .to = rank_},
                                  timing_.load({.size_bytes = total_bytes(runs),
                                                .is_remote = owner != rank_,
                                                .is_of_cube = operation.to_l1}),
                                  time);
  events_.emit_tile(execution(pipe, time), instruction, operation, runs);
  if (fabric_.values()) carry_out(operation);
}

void Pipes::execute_tile_store(Pipe pipe, const Instruction& instruction,
                               const TileOperation& operation, Picoseconds time) {
  std::vector<GlobalRun> runs = moved_runs(operation.global, operation.a);
  const int owner = fabric_.memory().owner(operation.global.data, rank_);
  const Timing::Transfer transfer{.size_bytes = total_bytes(runs),
                                  .is_remote = owner != rank_,
                                  .is_of_cube = pipe == Pipe::fix};
  queue(pipe).free = transfer_end({.from = rank_, .to = owner}, timing_.store(transfer), time);
  events_.emit_tile(execution(pipe, time), instruction, operation, runs);
  Fabric::StoreInFlight& flight = send_store(pipe, timing_.visibility(transfer), instruction);
  flight.dst = operation.global.data;
  flight.count = 0;
  flight.dtype = operation.global.dtype;
  flight.op = ReduceOp::sum;
  flight.atomic = operation.opcode == TileOpcode::store_add;
  flight.runs = std::move(runs);
  if (fabric_.values()) gather_values(operation, flight.data);
  if (polled_.are_tracked()) {
    polled_.note_executed_store(pipe, instruction, flight, flight.runs);
  }
}

}  // namespace peal
