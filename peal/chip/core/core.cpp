// SPDX-License-Identifier: Apache-2.0
#include "peal/chip/core/core.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "peal/base/error.h"
#include "peal/run/deadlock.h"

namespace peal {

// The maximum of outstanding transfers of one session; source: PTO tile ISA.
static constexpr int dma_queue_depth = 64;

Core::Core(Fabric& fabric, int rank, int index, std::byte* unified_buffer)
    : fabric_(fabric),
      platform_(fabric.platform()),
      rank_(rank),
      index_(index),
      unified_buffer_(unified_buffer),
      issue_ps_(platform_.cycles(platform_.core.issue_cycles)) {
  wake(0);
}

std::int64_t on_chip_bytes(const Platform& platform, OnChip memory) {
  switch (memory) {
    case OnChip::unified:
      return platform.core.unified_buffer_bytes;
    case OnChip::l1:
      return platform.cube.l1_bytes;
    case OnChip::l0a:
      return platform.cube.l0a_bytes;
    case OnChip::l0b:
      return platform.cube.l0b_bytes;
    case OnChip::l0c:
      break;
  }
  return platform.cube.l0c_bytes;
}

std::int64_t on_chip_bytes(const Platform& platform) {
  std::int64_t total = 0;
  for (int memory = 0; memory < on_chip_count; ++memory) {
    total += on_chip_bytes(platform, static_cast<OnChip>(memory));
  }
  return total;
}

std::byte* Core::on_chip(OnChip memory) {
  std::byte* start = unified_buffer_;
  for (int before = 0; before < static_cast<int>(memory); ++before) {
    start += on_chip_bytes(platform_, static_cast<OnChip>(before));
  }
  return start;
}

// Slots are reused: members that an instruction's opcode does not use keep stale values.
void Core::issue_transfer(Pipe pipe, const Transfer& transfer, SourcePlace place) {
  if (fabric_.polled() != nullptr && transfer.opcode == Opcode::store) {
    const GlobalRun run{transfer.dst, transfer.count * size_bytes(transfer.dtype)};
    announce_queued_store(pipe, {&run, 1}, place);
  }
  Instruction& instruction = begin_issue(pipe, transfer.opcode, place);
  instruction.dtype = transfer.dtype;
  instruction.op = transfer.op;
  instruction.atomic = transfer.atomic;
  instruction.count = transfer.count;
  instruction.dst = transfer.dst;
  instruction.src = transfer.src;
  issue(pipe);
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
  issue(Pipe::vector);
}

void Core::convert(std::byte* dst, DType dst_dtype, const std::byte* src, DType src_dtype,
                   std::uint32_t count, SourcePlace place) {
  Instruction& instruction = begin_issue(Pipe::vector, Opcode::convert, place);
  instruction.dtype = dst_dtype;
  instruction.source_dtype = src_dtype;
  instruction.count = count;
  instruction.dst = dst;
  instruction.src = src;
  issue(Pipe::vector);
}

void Core::tile(Pipe pipe, const TileOperation& operation, SourcePlace place) {
  if (fabric_.polled() != nullptr && operation.stores()) {
    announce_queued_store(pipe, moved_runs(operation.global, operation.a), place);
  }
  Instruction& instruction = begin_issue(pipe, Opcode::tile, place);
  if (free_tile_operations_.empty()) {
    free_tile_operations_.push_back(static_cast<std::uint32_t>(tile_operations_.size()));
    tile_operations_.emplace_back();
  }
  instruction.count = free_tile_operations_.back();
  free_tile_operations_.pop_back();
  tile_operations_[instruction.count] = operation;
  issue(pipe);
}

void Core::set_flag(Pipe from, Pipe to, int id, SourcePlace place) {
  PEAL_CHECK(from != Pipe::all && to != Pipe::all && id >= 0 && id < Flags::ids);
  if (from != Pipe::scalar) {
    Instruction& instruction = begin_issue(from, Opcode::set_flag, place);
    instruction.flag_pipe = static_cast<std::uint8_t>(to);
    instruction.flag_id = static_cast<std::uint8_t>(id);
    return issue(from);
  }
  begin_scalar(place);
  emit({.kind = EventKind::set_flag,
        .pipe = from,
        .flag_pipe = static_cast<std::uint8_t>(to),
        .flag_id = static_cast<std::uint8_t>(id),
        .issued = ordering_events_,
        .place = place});
  fire(flags_.index(static_cast<int>(from), static_cast<int>(to), id), clock_);
}

void Core::wait_flag(Pipe from, Pipe to, int id, SourcePlace place) {
  PEAL_CHECK(from != Pipe::all && to != Pipe::all && id >= 0 && id < Flags::ids);
  if (to != Pipe::scalar) {
    Instruction& instruction = begin_issue(to, Opcode::wait_flag, place);
    instruction.flag_pipe = static_cast<std::uint8_t>(from);
    instruction.flag_id = static_cast<std::uint8_t>(id);
    return issue(to);
  }
  begin_scalar(place);
  blocked_flag_ = flags_.index(static_cast<int>(from), static_cast<int>(to), id);
  while (!flags_.is_set(blocked_flag_)) suspend(Blocked::flag);
  clock_ = std::max(clock_, flags_.take(blocked_flag_));
  if (fabric_.polled() != nullptr) fabric_.polled()->note_drained(index_);
  emit({.kind = EventKind::wait_flag,
        .pipe = to,
        .flag_pipe = static_cast<std::uint8_t>(from),
        .flag_id = static_cast<std::uint8_t>(id),
        .issued = ordering_events_,
        .place = place});
}

void Core::pipe_barrier(Pipe pipe, SourcePlace place) {
  if (pipe != Pipe::all && pipe != Pipe::scalar) {
    begin_issue(pipe, Opcode::barrier, place);
    return issue(pipe);
  }
  begin_scalar_between_looks(place);
  if (pipe == Pipe::scalar) return;  // the scalar unit is always in order
  if (!drained()) suspend(Blocked::drain);
  clock_ = std::max(clock_, drain_time());
  emit_sync(EventKind::pipe_barrier, Pipe::all, place);
}

void Core::dsb(SourcePlace place) {
  begin_scalar_between_looks(place);
  const auto invisible = [](const PipeQueue& pipe) { return pipe.invisible(); };
  const std::span<const PipeQueue> pipes = drained_pipes();
  while (std::any_of(pipes.begin(), pipes.end(), invisible)) suspend(Blocked::visible);
  for (const PipeQueue& pipe : pipes) clock_ = std::max(clock_, pipe.last_visible);
  emit_sync(EventKind::dsb, Pipe::scalar, place);
}

std::string Core::spent_budget() const {
  if (instructions_ >= max_instructions) {
    return fmt::format("it has issued {} instructions and goes on; does its loop end?",
                       instructions_);
  }
  if (notifies_in_a_row_ >= max_notifies_in_a_row) {
    return fmt::format("it has sent {} notifies since it last waited; does its loop end?",
                       notifies_in_a_row_);
  }
  return {};
}

void Core::notify(std::uint32_t* cell, std::uint32_t value, NotifyOp op, SourcePlace place) {
  begin_scalar(place);
  ++notifies_in_a_row_;
  refresh(cell);
  if (PolledWords::Word* const word = fabric_.polled_word(cell, sizeof *cell)) meet(*word);
  const int peer = fabric_.memory().owner(reinterpret_cast<const std::byte*>(cell), rank_);
  const Picoseconds latency =
      peer == rank_ ? platform_.signals.own_latency_ps : platform_.signals.latency_ps;
  fabric_.send_signal(std::max(clock_, fabric_.now()) + latency,
                      {.core = index_,
                       .cell = cell,
                       .value = value,
                       .op = op,
                       .awaited = peer == rank_ || platform_.switches.signals_in_order,
                       .place = place});
  emit({.kind = EventKind::notify,
        .pipe = Pipe::scalar,
        .op = op,
        .peer = peer,
        .issued = ordering_events_,
        .end = clock_ + platform_.signals.notify_issue_ps,
        .address = reinterpret_cast<std::uint64_t>(cell),
        .size_bytes = sizeof(std::uint32_t),
        .value = static_cast<std::int32_t>(value),
        .place = place});
  clock_ += platform_.signals.notify_issue_ps;
  if (!drained()) suspend(Blocked::drain);
  clock_ = std::max(clock_, drain_time());
  emit_sync(EventKind::pipe_barrier, Pipe::all, place);
  if (peer == rank_) await_arrivals();
}

// Keeps the scalar unit's next access from taking effect before signals that this core has sent:
// those to its own rank and, on platforms with ordered signals, all of them.
void Core::await_arrivals() {
  while (fabric_.awaits_arrival(index_)) suspend(Blocked::arrival);
}

void Core::signals_arrived(Picoseconds time) {
  if (blocked_ == Blocked::arrival) wake(time);
}

void Core::wait(const std::uint32_t* cell, WaitCmp cmp, std::uint32_t value, std::uint32_t consumes,
                SourcePlace place) {
  begin_scalar(place);
  clock_ += platform_.signals.poll_ps;
  wait_ = {cell, cmp, value, consumes, place};
  refresh(cell);
  // `reached` is for cells that only grow, so it is monotone (case 2 of Core): if it holds now, it
  // holds at clock_, too. Any other comparison has to be evaluated at clock_ (case 3).
  if (cmp != WaitCmp::reached) yield();
  while (!holds(cmp, *cell, value)) suspend(Blocked::signal);
  notifies_in_a_row_ = 0;
  if (fabric_.polled() != nullptr) fabric_.polled()->note_wait(index_, cell);
  emit_signal(EventKind::wait, wait_, false);
}

bool Core::test(const std::uint32_t* cell, WaitCmp cmp, std::uint32_t value, std::uint32_t consumes,
                SourcePlace place) {
  begin_scalar(place);
  clock_ += platform_.signals.poll_ps;
  refresh(cell);
  yield();
  const Wait test{cell, cmp, value, consumes, place};
  if (PolledWords::Word* const word = fabric_.polled_word(cell, sizeof *cell)) {
    const bool again = repeats_look(cell, place);
    const std::uint64_t found = find_value(*word, {.again = again, .is_test = true, .place = {}});
    const bool succeeds = holds(cmp, static_cast<std::uint32_t>(found), value);
    emit_signal(succeeds ? EventKind::wait : EventKind::poll_failed, test, true,
                again ? Look::again : Look::first);
    return succeeds;
  }
  const bool succeeds = holds(cmp, *cell, value);
  emit_signal(succeeds ? EventKind::wait : EventKind::poll_failed, test, true);
  if (!succeeds) note_failed_poll(place);
  return succeeds;
}

// The counter is reset by every step of a pipe, store or signal (Fabric::step), so it grows only
// while scalar units alone take steps. The bound distinguishes endless polling from a peer that is
// slow to issue; it assumes that a peer never needs more polls than that to take such a step.
void Core::note_failed_poll(SourcePlace place) const {
  fabric_.count_failed_poll();
  if (fabric_.failed_polls() <= polls_in_vain) return;
  throw_in_vain("polls for ever, and nobody is left who could change what it looks at", place);
}

void Core::throw_in_vain(const char* what, SourcePlace place) const {
  throw Deadlock(fmt::format("deadlock: rank {} {}   {}:{}", rank_, what, place.file, place.line),
                 {{.rank = rank_,
                   .core = index_,
                   .polls = true,
                   .what = what,
                   .file = place.file,
                   .line = place.line}});
}

// Case 3 of Core.
void Core::yield() {
  wake(clock_);
  leave();
}

void Core::leave() {
  cache_.hide();
  fabric_.programs().suspend(index_);
}

Instruction& Core::begin_issue(Pipe pipe, Opcode opcode, SourcePlace place) {
  begin_scalar(place);
  PipeQueue& to = queue(pipe);
  if (to.ring.empty()) {
    to.ring.resize(
        static_cast<std::size_t>(pipe == Pipe::dma ? dma_queue_depth : platform_.core.queue_depth));
  }
  if (to.size == to.ring.size()) {
    blocked_pipe_ = pipe;
    suspend(Blocked::queue);
  }
  std::size_t slot = to.head + to.size;
  if (slot >= to.ring.size()) slot -= to.ring.size();
  Instruction& instruction = to.ring[slot];
  instruction.opcode = opcode;
  instruction.issued_after = ordering_events_;
  instruction.number = static_cast<std::uint32_t>(instructions_);
  instruction.issued = clock_;
  instruction.file = place.file;
  instruction.line = place.line;
  return instruction;
}

void Core::issue(Pipe pipe) {
  PipeQueue& to = queue(pipe);
  ++to.size;
  if (to.state == PipeState::idle) advance(pipe);
}

void Core::suspend(Blocked reason) {
  blocked_ = reason;
  leave();
}

// Invariant: the agenda holds exactly one scalar step of this core (stale ones aside) if and only
// if it is `asleep`. So everybody who calls wake() first checks for the reason for which it is
// blocked, and scalar_step() leaves the state `asleep`.
void Core::wake(Picoseconds time) {
  blocked_ = Blocked::asleep;
  fabric_.agenda().add(std::max({clock_, time, fabric_.now()}), StepId::scalar(index_));
}

namespace {

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

// Steps cannot be withdrawn from the agenda. One step of each scheduled pipe, and one of a scalar
// unit that is asleep, are still to come; `stale_steps` counts them. A stale step and a new one of
// the same pipe have the same StepId, so which of them is ignored makes no difference. The store
// counters stay as they are, because stores in flight still report their numbers when they become
// visible.
void Core::restart() {
  cache_.hide();
  cache_.drop();
  for (PipeQueue& pipe : pipes_) {
    if (pipe.state == PipeState::scheduled) ++pipe.stale_steps;
    pipe.state = PipeState::idle;
    pipe.size = 0;
    pipe.pending_flags.clear();
  }
  transfers_ = queue(Pipe::dma).executed;
  flags_ = Flags(platform_.switches.event_identity_without_waiter);
  in_kernel_ = is_unwinding_ = false;
  last_look_ = {};
  found_.clear();
  looked_at_.clear();
  written_.clear();
  for (PipeQueue& pipe : pipes_) pipe.begun.clear();
  tile_operations_.clear();
  free_tile_operations_.clear();
  if (blocked_ == Blocked::asleep) ++stale_steps_;
  wake(fabric_.now());
}

void Core::fail(std::exception_ptr failure) {
  if (!in_kernel_) std::rethrow_exception(std::move(failure));
  cache_.hide();
  fabric_.programs().abandon(index_, std::move(failure));
  std::abort();  // abandon() does not return
}

void Core::scalar_step(Picoseconds time) {
  if (stale_steps_ != 0) {
    --stale_steps_;
    return;
  }
  blocked_ = Blocked::no;
  clock_ = std::max(clock_, time);
  const Running running(this);
  fabric_.programs().resume(index_);
}

void Core::cell_changed(const std::uint32_t* cell, Picoseconds time) {
  if (blocked_ != Blocked::signal || wait_.cell != cell) return;
  if (holds(wait_.cmp, *cell, wait_.value)) wake(time + platform_.signals.poll_ps);
}

bool Core::drained() const {
  const bool stores_count = platform_.switches.drained_is_visible;
  const std::span<const PipeQueue> pipes = drained_pipes();
  return std::all_of(pipes.begin(), pipes.end(), [&](const PipeQueue& pipe) {
    return pipe.size == 0 && !(stores_count && pipe.invisible());
  });
}

Picoseconds Core::drain_time() const {
  Picoseconds time = 0;
  for (const PipeQueue& pipe : drained_pipes()) {
    time = std::max(time, pipe.free);
    if (platform_.switches.drained_is_visible) time = std::max(time, pipe.last_visible);
  }
  return time;
}

}  // namespace peal
