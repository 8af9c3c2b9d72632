// SPDX-License-Identifier: Apache-2.0
#include "peal/chip/core/event_emitter.h"

#include "peal/machine/dtype.h"

namespace peal {
namespace {

std::uint64_t address_of(const void* data) { return reinterpret_cast<std::uint64_t>(data); }

Footprint contiguous(const std::byte* data, std::size_t count, DType dtype) {
  const std::size_t element = size_bytes(dtype);
  return {.address = address_of(data),
          .element_bytes = static_cast<std::uint32_t>(element),
          .row_bytes = count * element,
          .stride_bytes = count * element};
}

// The valid part of a tile as rows of contiguous memory; for a column-major tile, a row is one of
// its columns. Rows without a gap between them are merged into one.
Footprint footprint(const TileArea& tile) {
  const std::uint64_t element = size_bytes(tile.dtype);
  const auto outer =
      static_cast<std::uint32_t>(tile.column_major ? tile.valid_cols : tile.valid_rows);
  const auto inner =
      static_cast<std::uint64_t>(tile.column_major ? tile.valid_rows : tile.valid_cols);
  const auto pitch = static_cast<std::uint64_t>(tile.column_major ? tile.rows : tile.cols);
  Footprint result{.address = address_of(tile.data),
                   .rows = outer,
                   .element_bytes = static_cast<std::uint32_t>(element),
                   .row_bytes = inner * element,
                   .stride_bytes = pitch * element};
  if (inner == pitch || outer == 1) {
    result.row_bytes *= outer;
    result.stride_bytes = result.row_bytes;
    result.rows = 1;
  }
  return result;
}

Combination tile_combination(TileOpcode opcode) {
  switch (opcode) {
    case TileOpcode::load:
    case TileOpcode::store:
    case TileOpcode::cvt:
    case TileOpcode::move:
      return Combination::move;
    case TileOpcode::store_add:
    case TileOpcode::add:
      return Combination::sum;
    case TileOpcode::mul:
      return Combination::prod;
    case TileOpcode::max:
      return Combination::max;
    case TileOpcode::min:
      return Combination::min;
    case TileOpcode::expands:
      return Combination::constant;
    default:
      return Combination::other;
  }
}

// True if the i-th element written comes from the i-th element read, in memory order. It does not
// where a column-major tile is copied from or to rows, or where the global area is fractal.
bool keeps_order(const TileOperation& operation) {
  const auto turns = [](const TileArea& tile) {
    return tile.column_major && tile.valid_cols > 1 && tile.valid_rows > 1;
  };
  if (operation.opcode == TileOpcode::load) {
    return !turns(operation.dst) && !operation.global.fractal;
  }
  if (operation.stores()) return !turns(operation.a) && !operation.global.fractal;
  return turns(operation.dst) == turns(operation.a);
}

EventKind kind_of(bool loads, bool stores) {
  return loads ? EventKind::load : stores ? EventKind::store : EventKind::vector;
}

// An instruction that its pipe has executed, without what it read and wrote.
Event executed(EventKind kind, const EventEmitter::Execution& execution,
               const Instruction& instruction) {
  return {.kind = kind,
          .pipe = execution.pipe,
          .issued = instruction.issued_after,
          .number = instruction.number,
          .begin = execution.begin,
          .end = execution.end,
          .value = kind == EventKind::store ? static_cast<std::int64_t>(execution.store) : 0,
          .place = instruction.place()};
}

bool has_second_source(TileOpcode opcode) {
  return opcode == TileOpcode::add || opcode == TileOpcode::mul || opcode == TileOpcode::max ||
         opcode == TileOpcode::min || opcode == TileOpcode::matmul;
}

}  // namespace

void EventEmitter::send(Event& event) {
  event.rank = scalar_.rank();
  event.core = scalar_.index();
  if (event.begin == 0) event.begin = scalar_.clock();
  if (event.end == 0) event.end = event.begin;
  if (event.number == 0) event.number = static_cast<std::uint32_t>(scalar_.instructions());
  fabric_.emit(event);
  if (orders(event)) ++ordering_events_;
}

void EventEmitter::emit_sync(EventKind kind, Pipe pipe, SourcePlace place) {
  emit({.kind = kind, .pipe = pipe, .peer = scalar_.rank(), .place = place});
}

void EventEmitter::emit_access(EventKind kind, const std::byte* address, std::size_t size,
                               bool cached, SourcePlace place, std::int64_t value, Look look) {
  if (!is_observed()) return;
  emit({.kind = kind,
        .pipe = Pipe::scalar,
        .cached = cached,
        .look = look,
        .peer = owner(address),
        .address = address_of(address),
        .size_bytes = size,
        .value = value,
        .place = place});
}

void EventEmitter::emit_signal(EventKind kind, const ScalarUnit::Wait& wait, bool polled,
                               Look look) {
  emit({.kind = kind,
        .pipe = Pipe::scalar,
        .cmp = wait.cmp,
        .polled = polled,
        .look = look,
        .peer = scalar_.rank(),
        .threshold = wait.value,
        .address = address_of(wait.cell),
        .size_bytes = sizeof(std::uint32_t),
        .value = wait.consumes,
        .place = wait.place});
}

void EventEmitter::emit_queued(EventKind kind, Pipe pipe, const Instruction& instruction,
                               Picoseconds begin) {
  if (!is_observed()) return;
  Event event{.kind = kind,
              .pipe = pipe,
              .flag_pipe = instruction.flag_pipe,
              .flag_id = instruction.flag_id,
              .peer = scalar_.rank(),
              .issued = instruction.issued_after,
              .number = instruction.number,
              .begin = begin,
              .place = instruction.place()};
  send(event);
}

void EventEmitter::emit_transfer(const Execution& execution, const Instruction& instruction) {
  if (!is_observed()) return;
  const bool loads = instruction.opcode == Opcode::load;
  const bool stores = instruction.opcode == Opcode::store;
  const bool combines = instruction.opcode == Opcode::combine;
  const bool converts = instruction.opcode == Opcode::convert;
  const DType from = converts ? instruction.source_dtype : instruction.dtype;
  const Footprint reads[] = {contiguous(instruction.src, instruction.count, from),
                             contiguous(instruction.other, instruction.count, from)};
  const Footprint writes = contiguous(instruction.dst, instruction.count, instruction.dtype);
  const bool atomic = stores && instruction.atomic;
  const std::byte* const global = loads ? instruction.src : instruction.dst;
  Event event = executed(kind_of(loads, stores), execution, instruction);
  event.combination = combines || atomic ? combination_of(instruction.op) : Combination::move;
  event.atomic = atomic ? atomic_code(instruction.op, instruction.dtype) : std::uint8_t{0};
  event.peer = owner(global);
  event.address = address_of(global);
  event.size_bytes = writes.row_bytes;
  event.reads = {reads, combines ? 2u : 1u};
  event.writes = {&writes, 1};
  send(event);
}

void EventEmitter::emit_tile(const Execution& execution, const Instruction& instruction,
                             const TileOperation& operation, std::span<const GlobalRun> runs) {
  if (!is_observed()) return;
  const bool loads = operation.opcode == TileOpcode::load, stores = operation.stores();
  reads_.clear();
  writes_.clear();
  std::uint64_t bytes = 0;
  for (const GlobalRun& run : runs) {
    const auto element = static_cast<std::uint32_t>(size_bytes(operation.global.dtype));
    (loads ? reads_ : writes_)
        .push_back({address_of(run.data), 1, element, run.size_bytes, run.size_bytes});
    bytes += run.size_bytes;
  }
  if (!stores) writes_.push_back(footprint(operation.dst));
  if (!loads && operation.opcode != TileOpcode::expands) reads_.push_back(footprint(operation.a));
  if (has_second_source(operation.opcode)) reads_.push_back(footprint(operation.b));
  const std::byte* const global = loads || stores ? operation.global.data : operation.dst.data;
  Event event = executed(kind_of(loads, stores), execution, instruction);
  event.combination =
      keeps_order(operation) ? tile_combination(operation.opcode) : Combination::other;
  const bool adds = operation.opcode == TileOpcode::store_add;
  event.atomic = adds ? atomic_code(ReduceOp::sum, operation.global.dtype) : std::uint8_t{0};
  event.peer = owner(global);
  event.address = address_of(global);
  event.size_bytes = bytes;
  event.reads = reads_;
  event.writes = writes_;
  send(event);
}

}  // namespace peal
