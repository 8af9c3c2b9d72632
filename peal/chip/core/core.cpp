// SPDX-License-Identifier: Apache-2.0
#include "peal/chip/core/core.h"

#include "peal/base/error.h"

// Queued instructions, flags, barriers, transfers of the DMA engine; whose program runs.

namespace peal {

Core::Core(Fabric& fabric, int rank, int index, std::byte* unified_buffer)
    : fabric_(fabric),
      platform_(fabric.platform()),
      unified_buffer_(unified_buffer),
      scalar_(fabric, rank, index),
      events_(fabric, scalar_),
      looks_(fabric, scalar_),
      polled_(fabric, scalar_, looks_, events_),
      pipes_(fabric, scalar_, polled_, events_) {}

Instruction& Core::begin_issue(Pipe pipe, Opcode opcode, SourcePlace place) {
  scalar_.begin(place);
  if (!pipes_.has_room(pipe)) scalar_.wait_for_room(pipe);
  Instruction& instruction = pipes_.next_slot(pipe);
  instruction.opcode = opcode;
  instruction.issued_after = events_.ordering_events();
  instruction.number = static_cast<std::uint32_t>(scalar_.instructions());
  instruction.issued = scalar_.clock();
  instruction.file = place.file;
  instruction.line = place.line;
  instruction.origin = place.origin;
  return instruction;
}

void Core::issue_transfer(Pipe pipe, const Transfer& transfer, SourcePlace place) {
  if (polled_.are_tracked() && transfer.opcode == Opcode::store) {
    const GlobalRun run{transfer.dst, transfer.count * size_bytes(transfer.dtype)};
    polled_.announce_queued_store(pipe, {&run, 1}, place);
  }
  Instruction& instruction = begin_issue(pipe, transfer.opcode, place);
  instruction.dtype = transfer.dtype;
  instruction.op = transfer.op;
  instruction.atomic = transfer.atomic;
  instruction.count = transfer.count;
  instruction.dst = transfer.dst;
  instruction.src = transfer.src;
  pipes_.issue(pipe);
}

void Core::load(std::byte* dst, const std::byte* src, std::uint32_t count, DType dtype,
                SourcePlace place) {
  issue_transfer(Pipe::mte2, {Opcode::load, dst, src, count, dtype}, place);
}

void Core::store(std::byte* dst, const std::byte* src, std::uint32_t count, DType dtype,
                 SourcePlace place) {
  issue_transfer(Pipe::mte3, {Opcode::store, dst, src, count, dtype}, place);
}

void Core::store_atomic(std::byte* dst, const std::byte* src, std::uint32_t count, DType dtype,
                        ReduceOp op, SourcePlace place) {
  issue_transfer(Pipe::mte3, {Opcode::store, dst, src, count, dtype, op, true}, place);
}

void Core::combine(std::byte* dst, const std::byte* a, const std::byte* b, std::uint32_t count,
                   DType dtype, ReduceOp op, SourcePlace place) {
  Instruction& instruction = begin_issue(Pipe::vector, Opcode::combine, place);
  instruction.dtype = dtype;
  instruction.op = op;
  instruction.count = count;
  instruction.dst = dst;
  instruction.src = a;
  instruction.other = b;
  pipes_.issue(Pipe::vector);
}

void Core::convert(std::byte* dst, DType dst_dtype, const std::byte* src, DType src_dtype,
                   std::uint32_t count, SourcePlace place) {
  Instruction& instruction = begin_issue(Pipe::vector, Opcode::convert, place);
  instruction.dtype = dst_dtype;
  instruction.source_dtype = src_dtype;
  instruction.count = count;
  instruction.dst = dst;
  instruction.src = src;
  pipes_.issue(Pipe::vector);
}

void Core::tile(Pipe pipe, const TileOperation& operation, SourcePlace place) {
  if (polled_.are_tracked() && operation.stores()) {
    polled_.announce_queued_store(pipe, moved_runs(operation.global, operation.a), place);
  }
  Instruction& instruction = begin_issue(pipe, Opcode::tile, place);
  instruction.count = pipes_.keep_operands(operation);
  pipes_.issue(pipe);
}

void Core::set_flag(Pipe from, Pipe to, int id, SourcePlace place) {
  PEAL_CHECK(from != Pipe::all && to != Pipe::all && id >= 0 && id < Flags::ids);
  if (from != Pipe::scalar) {
    Instruction& instruction = begin_issue(from, Opcode::set_flag, place);
    instruction.flag_pipe = static_cast<std::uint8_t>(to);
    instruction.flag_id = static_cast<std::uint8_t>(id);
    return pipes_.issue(from);
  }
  scalar_.begin(place);
  events_.emit({.kind = EventKind::set_flag,
                .pipe = from,
                .flag_pipe = static_cast<std::uint8_t>(to),
                .flag_id = static_cast<std::uint8_t>(id),
                .place = place});
  pipes_.fire(pipes_.flags().index(static_cast<int>(from), static_cast<int>(to), id),
              scalar_.clock());
}

void Core::wait_flag(Pipe from, Pipe to, int id, SourcePlace place) {
  PEAL_CHECK(from != Pipe::all && to != Pipe::all && id >= 0 && id < Flags::ids);
  if (to != Pipe::scalar) {
    Instruction& instruction = begin_issue(to, Opcode::wait_flag, place);
    instruction.flag_pipe = static_cast<std::uint8_t>(from);
    instruction.flag_id = static_cast<std::uint8_t>(id);
    return pipes_.issue(to);
  }
  scalar_.begin(place);
  Flags& flags = pipes_.flags();
  const std::uint32_t flag = flags.index(static_cast<int>(from), static_cast<int>(to), id);
  while (!flags.is_set(flag)) scalar_.wait_for_flag(flag);
  scalar_.advance_to(flags.take(flag));
  polled_.note_drained();
  events_.emit({.kind = EventKind::wait_flag,
                .pipe = to,
                .flag_pipe = static_cast<std::uint8_t>(from),
                .flag_id = static_cast<std::uint8_t>(id),
                .place = place});
}

void Core::drain() {
  if (!pipes_.are_drained()) scalar_.suspend(Blocked::drain);
  scalar_.advance_to(pipes_.drain_time());
}

void Core::emit_drained(EventKind kind, Pipe pipe, SourcePlace place) {
  polled_.note_drained();
  events_.emit_sync(kind, pipe, place);
}

void Core::pipe_barrier(Pipe pipe, SourcePlace place) {
  if (pipe != Pipe::all && pipe != Pipe::scalar) {
    begin_issue(pipe, Opcode::barrier, place);
    return pipes_.issue(pipe);
  }
  begin_between_looks(place);
  if (pipe == Pipe::scalar) return;  // the scalar unit is always in order
  drain();
  emit_drained(EventKind::pipe_barrier, Pipe::all, place);
}

void Core::dsb(SourcePlace place) {
  begin_between_looks(place);
  while (pipes_.have_invisible_stores()) scalar_.suspend(Blocked::visible);
  scalar_.advance_to(pipes_.last_visible());
  emit_drained(EventKind::dsb, Pipe::scalar, place);
}

std::uint32_t Core::transfer(std::byte* dst, const std::byte* src, std::uint32_t count, DType dtype,
                             SourcePlace place) {
  issue_transfer(Pipe::dma, {Opcode::store, dst, src, count, dtype}, place);
  return transfers_++;
}

void Core::wait_transfers(std::uint32_t count, SourcePlace place) {
  scalar_.begin(place);
  while (!pipes_.have_completed(count)) scalar_.suspend(Blocked::transfers);
  emit_completed(count, place);
}

bool Core::test_transfers(std::uint32_t count, SourcePlace place) {
  scalar_.begin(place);
  scalar_.spend(platform_.signals.poll_ps);
  scalar_.yield();
  const bool is_complete = pipes_.have_completed(count);
  if (is_complete) {
    emit_completed(count, place);
  } else {
    looks_.note_failed_poll(place);
  }
  return is_complete;
}

void Core::emit_completed(std::uint32_t transfers, SourcePlace place) {
  polled_.note_drained();
  events_.emit({.kind = EventKind::dma_wait,
                .pipe = Pipe::scalar,
                .peer = rank(),
                .value = static_cast<std::int64_t>(transfers),
                .place = place});
}

void Core::report_task(EventKind kind, std::int64_t task, SourcePlace place, const char* name) {
  events_.emit({.kind = kind, .peer = rank(), .value = task, .place = place, .name = name});
}

void Core::report_call(std::int64_t call) {
  events_.emit(
      {.kind = EventKind::call_begin, .peer = rank(), .value = call, .place = outside_of_kernels});
}

// The scalar unit comes last, since its first step is added to the agenda then.
void Core::restart() {
  pipes_.restart();
  transfers_ = pipes_.executed_transfers();
  looks_.restart();
  polled_.restart();
  scalar_.restart();
}

namespace {

// Where library code, and not the caller, has to know the core: instructions of a PTO kernel, and
// handlers of faults. By thread, since real threads may each run a simulation.
thread_local Core* running_core = nullptr;

// Sets running_core while a core's program runs; resets it also when the program throws.
struct Running {
  explicit Running(Core* core) { running_core = core; }
  ~Running() { running_core = nullptr; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
};

}  // namespace

Core* current_core() { return running_core; }

void Core::scalar_step(Picoseconds time) {
  const Running running(this);
  scalar_.step(time);
}

}  // namespace peal
