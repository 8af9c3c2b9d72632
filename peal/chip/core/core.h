// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "peal/base/source_place.h"
#include "peal/base/units.h"
#include "peal/chip/core/event_emitter.h"
#include "peal/chip/core/instruction.h"
#include "peal/chip/core/look_history.h"
#include "peal/chip/core/on_chip.h"
#include "peal/chip/core/pipes.h"
#include "peal/chip/core/polled_accesses.h"
#include "peal/chip/core/scalar_unit.h"
#include "peal/chip/fabric.h"
#include "peal/chip/tile_operation.h"
#include "peal/machine/calls/call_record.h"
#include "peal/machine/dtype.h"
#include "peal/machine/reduce_op.h"
#include "peal/machine/signal.h"
#include "peal/run/core_type.h"
#include "peal/run/event.h"
#include "peal/run/pipe.h"
#include "peal/run/platform.h"

namespace peal {

// The block of a task that a core executes, and the core's type, which decides which on-chip
// memories it has.
struct CoreBlock {
  int index = 0;
  int count = 1;
  CoreType type{};
};

// One core: a scalar unit that issues instructions in program order, and pipes that execute them in
// order within a pipe and asynchronously between pipes. The program of the scalar unit runs on a
// fiber and calls the instruction functions below, which may suspend the fiber.
//
// Core is the face that programs, the fabric and reports see. It says which steps an instruction of
// the program takes; its parts are classes of their own. Read agenda.h of the folder above first
// (what a step is), then this header, then the parts, each of which knows only those above it:
//   ScalarUnit      the program's clock, what it waits for, and why it may run ahead of time
//   EventEmitter    the events that readers of the run get
//   LookHistory     which reads of the program poll, and which poll in vain
//   PolledAccesses  its reads and writes of words that other cores change meanwhile
//   Timing          how long instructions take
//   Pipes           the queues of instructions, their execution, drains, stores in flight
class Core {
 public:
  Core(Fabric& fabric, int rank, int index, std::byte* unified_buffer);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  [[nodiscard]] int rank() const { return scalar_.rank(); }
  [[nodiscard]] int index() const { return scalar_.index(); }
  [[nodiscard]] std::byte* unified_buffer() { return unified_buffer_; }
  [[nodiscard]] Fabric& fabric() const { return fabric_; }
  // Where an on-chip memory of the core starts.
  [[nodiscard]] std::byte* on_chip(OnChip memory) {
    return unified_buffer_ + on_chip_offset(platform_, memory);
  }
  [[nodiscard]] Picoseconds clock() const { return scalar_.clock(); }  // of the scalar unit
  [[nodiscard]] std::uint64_t instructions() const { return scalar_.instructions(); }
  // See ScalarUnit for these.
  [[nodiscard]] std::uint64_t notifies_in_a_row() const { return scalar_.notifies_in_a_row(); }
  static constexpr std::uint64_t max_instructions = ScalarUnit::max_instructions;
  static constexpr std::uint64_t max_notifies_in_a_row = ScalarUnit::max_notifies_in_a_row;
  [[nodiscard]] std::string spent_budget() const { return scalar_.spent_budget(); }

  // MTE2: copies `count` elements from global memory, of any rank, to on-chip memory.
  void load(std::byte* dst, const std::byte* src, std::uint32_t count, DType dtype,
            SourcePlace place);
  // MTE3: copies `count` elements from on-chip memory to global memory, of any rank.
  void store(std::byte* dst, const std::byte* src, std::uint32_t count, DType dtype,
             SourcePlace place);
  // MTE3: combines `count` elements into global memory, atomically per element.
  void store_atomic(std::byte* dst, const std::byte* src, std::uint32_t count, DType dtype,
                    ReduceOp op, SourcePlace place);
  // V: dst = a op b, all on-chip.
  void combine(std::byte* dst, const std::byte* a, const std::byte* b, std::uint32_t count,
               DType dtype, ReduceOp op, SourcePlace place);
  // V: converts elements between f32 and f16 or bf16.
  void convert(std::byte* dst, DType dst_dtype, const std::byte* src, DType src_dtype,
               std::uint32_t count, SourcePlace place);

  // Issues a tile instruction to its pipe.
  void tile(Pipe pipe, const TileOperation& operation, SourcePlace place);

  // DMA engine: copies `count` elements within global memory, between any two ranks. Returns the
  // transfer's number, from 0, among the core's transfers. Only wait_transfers() waits for
  // transfers; barriers and dsb do not.
  std::uint32_t transfer(std::byte* dst, const std::byte* src, std::uint32_t count, DType dtype,
                         SourcePlace place);
  // Suspends the scalar unit until the core's first `count` transfers are complete.
  void wait_transfers(std::uint32_t count, SourcePlace place);
  [[nodiscard]] std::uint32_t transfers() const { return transfers_; }  // issued so far
  // True if the core's first `count` transfers are complete now.
  [[nodiscard]] bool test_transfers(std::uint32_t count, SourcePlace place);

  void set_flag(Pipe from, Pipe to, int id, SourcePlace place);
  void wait_flag(Pipe from, Pipe to, int id, SourcePlace place);
  // Orders a pipe's later instructions after its earlier ones. Pipe::all suspends the scalar unit
  // until all pipes (except the DMA engine) are drained.
  void pipe_barrier(Pipe pipe, SourcePlace place);
  // Suspends the scalar unit until all stores that the pipes have executed so far are visible.
  void dsb(SourcePlace place);

  // Adds to or sets a cell of this rank or of a peer. Not a release: the signal may arrive before
  // earlier stores are visible. Drains all pipes after the signal has been sent.
  void notify(std::uint32_t* cell, std::uint32_t value, NotifyOp op, SourcePlace place);
  // Suspends the scalar unit until `*cell cmp value` holds for a cell of this rank. `consumes`, the
  // number of arrivals that the wait consumes, is for reports only.
  void wait(const std::uint32_t* cell, WaitCmp cmp, std::uint32_t value, std::uint32_t consumes,
            SourcePlace place);
  // True if `*cell cmp value` holds now, for a cell of this rank; `consumes` as in wait().
  [[nodiscard]] bool test(const std::uint32_t* cell, WaitCmp cmp, std::uint32_t value,
                          std::uint32_t consumes, SourcePlace place);

  // Announces a scalar access through the cache, and makes the cached bytes appear at `address`.
  // The program then makes the access itself; between the two it may only announce further
  // accesses.
  void scalar_access(const std::byte* address, std::size_t size, bool writes, SourcePlace place);
  // Announces a scalar access to this core's on-chip memory, which the program then makes itself.
  // Pipes that no flag or barrier holds may execute up to the time of the access first.
  void on_chip_access(const std::byte* address, std::size_t size, bool writes, SourcePlace place);
  // Scalar accesses that bypass the cache.
  void device_load(void* value, const std::byte* address, std::size_t size, SourcePlace place);
  void device_store(std::byte* address, const void* value, std::size_t size, SourcePlace place);
  // Writes back and invalidates the cache line of an address, or the whole scalar cache.
  void dcci(const std::byte* address, SourcePlace place);
  void dcci_all(SourcePlace place);
  // Empties the cache where a kernel begins or ends. Bytes that the kernel changed and did not
  // clean reach memory now; hardware may evict a dirty line at any time, or never.
  void retire_cache();
  // Emits the event of a scalar access; `value` is what a store gives to a word, or what a load of
  // a polled word finds.
  void report_access(EventKind kind, const std::byte* address, std::size_t size, bool cached,
                     SourcePlace place, std::int64_t value = 0, Look look = Look::none) {
    events_.emit_access(kind, address, size, cached, place, value, look);
  }
  // Emits that a task begins or ends here, or (task_after) that a task's end happens before what
  // this core issues next; `name` is for reports.
  void report_task(EventKind kind, std::int64_t task, SourcePlace place, const char* name = "");
  // What get_block_idx() and the like are to say of this core.
  void set_block(const CoreBlock& block) { block_ = block; }
  [[nodiscard]] const CoreBlock& block() const { return block_; }
  // Emits that the kernel's call number `call` begins here.
  void report_call(std::int64_t call);
  // Keeps the scalar unit busy for `duration`.
  void spend(Picoseconds duration) { scalar_.spend(duration); }
  // Suspends the scalar unit until the schedule takes its step at clock(), so that other steps
  // before that time take effect first.
  void yield() { scalar_.yield(); }
  void finish() { scalar_.finish(); }

  // Mark the begin and the end of kernel code on this core. A failure in between abandons the
  // kernel's frames without unwinding them, because unwinding would run the kernel's destructors
  // and `catch (...)` blocks, and would terminate the process at a noexcept function.
  void enter_kernel() { scalar_.enter_kernel(); }
  void leave_kernel() { scalar_.leave_kernel(); }
  [[nodiscard]] bool in_kernel() const { return scalar_.in_kernel(); }
  // Ends this core's program with a failure, which resume() of its fiber rethrows. Within a kernel
  // the program is abandoned without unwinding; otherwise the failure is thrown here.
  [[noreturn]] void fail(std::exception_ptr failure) { scalar_.fail(std::move(failure)); }
  // Marks that the run is over and this core's program is being unwound, so that verbs called by
  // destructors do nothing.
  void mark_unwinding() { scalar_.mark_unwinding(); }
  [[nodiscard]] bool is_unwinding() const { return scalar_.is_unwinding(); }

  // park() suspends a core that has no program to run; wake() makes it runnable at `time` or later.
  // For cores that run several programs one after the other.
  void park() { scalar_.suspend(Blocked::parked); }
  void wake(Picoseconds time) { scalar_.wake(time); }
  // Prepares the core for a new program after the last one was abandoned: discards queued
  // instructions, clears flags, and drops the cache without writing it back. Stores in flight still
  // become visible.
  void restart();

  // For reports. The last collective call that this core's rank has begun.
  void note_call(const CallRecord& call) { last_call_ = call; }
  [[nodiscard]] const std::optional<CallRecord>& last_call() const { return last_call_; }
  using Blocked = ScalarUnit::Blocked;
  [[nodiscard]] Blocked blocked() const { return scalar_.blocked(); }
  using Wait = ScalarUnit::Wait;
  [[nodiscard]] const Wait& waiting() const { return scalar_.waiting(); }  // if blocked: signal
  [[nodiscard]] SourcePlace place() const { return scalar_.place(); }  // of the last instruction
  [[nodiscard]] const void* looks_at() const { return looks_.looks_at(); }
  // At a deadlock, the source place of the first wait_flag in program order that is not satisfied:
  // the pipes and the scalar unit that are blocked later wait behind it.
  [[nodiscard]] SourcePlace missing_flag() const { return pipes_.missing_flag(); }

  // For Fabric: the steps of this core's scalar unit and pipes, and news from other steps.
  void scalar_step(Picoseconds time);
  void pipe_step(Pipe pipe, Picoseconds time) { pipes_.step(pipe, time); }
  void store_visible(Pipe pipe, std::uint32_t sequence, Picoseconds time) {
    pipes_.store_visible(pipe, sequence, time);
  }
  void cell_changed(const std::uint32_t* cell, Picoseconds time) { scalar_.note_cell(cell, time); }
  // Every awaited signal of this core has arrived.
  void signals_arrived(Picoseconds time) { scalar_.note_arrivals(time); }
  // The word that this core looks at has changed.
  void look_changed(Picoseconds time) { scalar_.note_look(time); }

 private:
  // Begins an instruction that may stand between two looks of one polling loop.
  void begin_between_looks(SourcePlace place) {
    scalar_.begin(place);
    looks_.note_between_looks();
  }
  // Waits for a free slot of the pipe's queue and returns it; the caller fills it in and calls
  // pipes_.issue().
  Instruction& begin_issue(Pipe pipe, Opcode opcode, SourcePlace place);
  struct Transfer {  // of `count` consecutive elements between two memories
    Opcode opcode{};
    std::byte* dst = nullptr;
    const std::byte* src = nullptr;
    std::uint32_t count = 0;
    DType dtype{};
    ReduceOp op = ReduceOp::sum;  // if `atomic`
    bool atomic = false;
  };
  void issue_transfer(Pipe pipe, const Transfer& transfer, SourcePlace place);
  // Suspends the scalar unit until all pipes (except the DMA engine) are drained.
  void drain();
  // Notes for polled words that the pipes are drained, and emits the instruction that did so.
  void emit_drained(EventKind kind, Pipe pipe, SourcePlace place);
  // The same for the completion of the first so many DMA transfers.
  void emit_completed(std::uint32_t transfers, SourcePlace place);
  // Writes back and drops the cache line of a signal's cell: signal instructions act on memory.
  void refresh(const std::uint32_t* cell);

  Fabric& fabric_;
  const Platform& platform_;
  std::byte* unified_buffer_;
  CoreBlock block_;
  std::uint32_t transfers_ = 0;  // issued to the DMA engine
  std::optional<CallRecord> last_call_;
  ScalarUnit scalar_;
  EventEmitter events_;
  LookHistory looks_;
  PolledAccesses polled_;
  Pipes pipes_;
};

// The core whose program is running on this thread, or nullptr if none is.
[[nodiscard]] Core* current_core();

// Marks that a kernel runs on a core, for the scope's lifetime. If the kernel is abandoned, the
// destructor does not run and the mark stays, until Core::restart().
class KernelScope {
 public:
  explicit KernelScope(Core& core) : core_(core) { core_.enter_kernel(); }
  ~KernelScope() { core_.leave_kernel(); }
  KernelScope(const KernelScope&) = delete;
  KernelScope& operator=(const KernelScope&) = delete;

 private:
  Core& core_;
};

}  // namespace peal
