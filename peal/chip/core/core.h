// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "peal/chip/core/flags.h"
#include "peal/chip/core/instruction.h"
#include "peal/chip/core/scalar_cache.h"
#include "peal/chip/fabric.h"
#include "peal/chip/polled_words.h"
#include "peal/chip/tile_operation.h"
#include "peal/machine/signal.h"

namespace peal {

// The on-chip memories of a core: a vector core uses the unified buffer, a cube core the others.
enum class OnChip : std::uint8_t { unified, l1, l0a, l0b, l0c };
inline constexpr int on_chip_count = 5;
[[nodiscard]] std::int64_t on_chip_bytes(const Platform& platform, OnChip memory);
// The capacity of all on-chip memories of a core together, in bytes.
[[nodiscard]] std::int64_t on_chip_bytes(const Platform& platform);

// One core: a scalar unit that issues instructions in program order, and pipes that execute them in
// order within a pipe and asynchronously between pipes. The program of the scalar unit runs on a
// fiber and calls the instruction functions below, which may suspend the fiber.
//
// The scalar unit runs ahead of simulated time. While its program runs, no other step is taken, so
// `clock_`, its local time, may be later than Fabric::now(), the time of the last step. It need not
// return to the agenda as long as nothing that other steps may still do before `clock_` can change
// what it does. Everything that it does falls into one of three cases:
// 1. Without waiting: it issues into a queue that has room, sets a flag, reads a cached line.
//    Queues and cache are private, and the pipe executes an instruction no earlier than its issue.
// 2. It suspends until a monotone condition holds (a flag is set, queues are drained, stores are
//    visible, a count is reached). Once true, such a condition stays true until this core acts, so
//    it may be evaluated early; the clock then advances to the time at which it became true.
// 3. yield(): what it does depends on when it takes effect (a test, a wait for anything but
//    `reached`, an uncached access, a line to fill or write back). The scalar unit becomes a step
//    at `clock_`, and the access takes effect when the schedule takes that step.
class Core {
 public:
  Core(Fabric& fabric, int rank, int index, std::byte* unified_buffer);

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int index() const { return index_; }
  [[nodiscard]] std::byte* unified_buffer() { return unified_buffer_; }
  [[nodiscard]] Fabric& fabric() const { return fabric_; }
  // Where an on-chip memory of the core starts. They lie one after the other, in OnChip's order.
  [[nodiscard]] std::byte* on_chip(OnChip memory);
  [[nodiscard]] Picoseconds clock() const { return clock_; }  // of the scalar unit
  [[nodiscard]] std::uint64_t instructions() const { return instructions_; }
  // The number of notifies since the last wait() that was satisfied.
  [[nodiscard]] std::uint64_t notifies_in_a_row() const { return notifies_in_a_row_; }
  // Upper bounds for one core; a kernel that exceeds them is reported as an endless loop.
  static constexpr std::uint64_t max_instructions = 20000000;
  static constexpr std::uint64_t max_notifies_in_a_row = 1000000;
  // The number of failed polls, without any step other than scalar ones between them, after which
  // the run is reported as a deadlock. A limit, not a proof: see note_failed_poll().
  static constexpr std::uint64_t polls_in_vain = 200000;
  // The sentence that reports an exceeded bound; empty while the kernel is within both.
  [[nodiscard]] std::string spent_budget() const;

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
                     SourcePlace place, std::int64_t value = 0, Look look = Look::none);
  // Emits that a task begins or ends here, or (task_after) that a task's end happens before what
  // this core issues next; `name` is for reports.
  void report_task(EventKind kind, std::int64_t task, SourcePlace place, const char* name = "");
  // Emits that the kernel's call number `call` begins here.
  void report_call(std::int64_t call);
  // Keeps the scalar unit busy for `duration`.
  void spend(Picoseconds duration) { clock_ += duration; }
  // Suspends the scalar unit until the schedule takes its step at clock(), so that other steps
  // before that time take effect first.
  void yield();
  void finish() {
    cache_.hide();
    blocked_ = Blocked::finished;
  }

  // Mark the begin and the end of kernel code on this core. A failure in between abandons the
  // kernel's frames without unwinding them, because unwinding would run the kernel's destructors
  // and `catch (...)` blocks, and would terminate the process at a noexcept function.
  void enter_kernel() { in_kernel_ = true; }
  void leave_kernel() { in_kernel_ = false; }
  [[nodiscard]] bool in_kernel() const { return in_kernel_; }
  // Ends this core's program with a failure, which resume() of its fiber rethrows. Within a kernel
  // the program is abandoned without unwinding; otherwise the failure is thrown here.
  [[noreturn]] void fail(std::exception_ptr failure);
  // Marks that the run is over and this core's program is being unwound, so that verbs called by
  // destructors do nothing.
  void mark_unwinding() { is_unwinding_ = true; }
  [[nodiscard]] bool is_unwinding() const { return is_unwinding_; }

  // park() suspends a core that has no program to run; wake() makes it runnable at `time` or later.
  // For cores that run several programs one after the other.
  void park() { suspend(Blocked::parked); }
  void wake(Picoseconds time);
  // Prepares the core for a new program after the last one was abandoned: discards queued
  // instructions, clears flags, and drops the cache without writing it back. Stores in flight still
  // become visible.
  void restart();

  enum class Blocked : std::uint8_t {
    no,
    asleep,
    parked,
    queue,
    drain,
    visible,
    flag,
    signal,
    transfers,
    arrival,
    look,
    finished
  };
  [[nodiscard]] Blocked blocked() const { return blocked_; }
  struct Wait {
    const std::uint32_t* cell = nullptr;
    WaitCmp cmp{};
    std::uint32_t value = 0;
    std::uint32_t consumes = 0;
    SourcePlace place;
  };
  [[nodiscard]] const Wait& waiting() const { return wait_; }  // if blocked() is signal
  [[nodiscard]] SourcePlace place() const { return place_; }   // of the last instruction issued
  [[nodiscard]] const void* looks_at() const { return last_look_.address; }
  // At a deadlock, the source place of the first wait_flag in program order that is not satisfied:
  // the pipes and the scalar unit that are blocked later wait behind it.
  [[nodiscard]] SourcePlace missing_flag() const;

  // For Fabric: the steps of this core's scalar unit and pipes, and news from other steps.
  void scalar_step(Picoseconds time);
  void pipe_step(Pipe pipe, Picoseconds time);
  void store_visible(Pipe pipe, std::uint32_t sequence, Picoseconds time);
  void cell_changed(const std::uint32_t* cell, Picoseconds time);
  void signals_arrived(Picoseconds time);  // every awaited signal of this core has arrived
  void look_changed(Picoseconds time);     // the word that this core looks at has changed

 private:
  // idle: the queue is empty. scheduled: exactly one step of the pipe is on the agenda, for the
  // instruction at the head. flag: the head waits for an event flag. visible: the head waits until
  // earlier stores of the pipe are visible.
  enum class PipeState : std::uint8_t { idle, scheduled, flag, visible };

  struct PipeQueue {
    std::vector<Instruction> ring;  // allocated at first use; its size is the queue's depth
    std::uint32_t head = 0, size = 0;
    PipeState state = PipeState::idle;
    Picoseconds free = 0;  // when the last instruction executed ends
    std::uint32_t blocked_flag = 0;
    // Stores are numbered by execution, modulo 2^32. All stores before `first_pending` are visible.
    // Bit k of `visible` is set if store first_pending + k is visible already, out of order; so at
    // most 64 stores are in flight.
    std::uint32_t executed = 0, first_pending = 0;
    std::uint64_t visible = 0;
    Picoseconds last_visible = 0;
    struct PendingFlag {  // is set when all stores before number `sequence` are visible
      std::uint32_t sequence = 0, flag = 0;
    };
    std::vector<PendingFlag> pending_flags;
    std::uint32_t stale_steps = 0;  // steps on the agenda from before a restart, to be ignored
    struct Begun {                  // a store to polled words that waits in the queue
      std::uint32_t instruction = 0;
      PolledWords::Store store;
    };
    std::deque<Begun> begun = {};

    [[nodiscard]] bool invisible() const { return executed != first_pending; }
  };

  [[nodiscard]] PipeQueue& queue(Pipe pipe) { return pipes_[static_cast<std::size_t>(pipe)]; }
  void begin_scalar(SourcePlace place) {
    clock_ += issue_ps_;
    ++instructions_;
    place_ = place;
  }
  // Begins a dcci, dsb or barrier, which may stand between two looks of one polling loop: a look
  // that directly precedes it still directly precedes the next instruction.
  void begin_scalar_between_looks(SourcePlace place) {
    const bool follows_look = last_look_.instruction == instructions_;
    begin_scalar(place);
    ++looks_;
    if (follows_look) last_look_.instruction = instructions_;
  }
  [[nodiscard]] bool repeats_look(const void* address, SourcePlace place);
  void note_found(const std::byte* address, std::size_t size, bool again);
  void meet(PolledWords::Word& word);
  [[nodiscard]] std::uint64_t find_value(PolledWords::Word& word, PolledWords::Look look);
  [[nodiscard]] bool looks_in_turn(const PolledWords::Word& word);
  void fill_polled(const std::byte* address, std::size_t size, bool again);
  bool announce_store(std::span<const GlobalRun> runs, SourcePlace place);
  void announce_queued_store(Pipe pipe, std::span<const GlobalRun> runs, SourcePlace place);
  void tell_stored(Pipe pipe, const Instruction& instruction, Fabric::StoreInFlight& flight,
                   std::span<const GlobalRun> runs);
  void tell_word(Pipe pipe, PolledWords::Word& word, std::uint64_t bits, bool is_unknown,
                 std::uint32_t number, SourcePlace place);
  void tell_device_store(std::byte* address, std::size_t size, SourcePlace place);
  void note_cached_store(const std::byte* address, std::size_t size);
  void tell_written_back(const std::byte* line, SourcePlace place);
  void read_polled(const std::byte* address, std::size_t size, bool is_filled, SourcePlace place);
  // Counts a failed poll; throws Deadlock beyond `polls_in_vain` of them.
  void note_failed_poll(SourcePlace place) const;
  [[noreturn]] void throw_in_vain(const char* what, SourcePlace place) const;
  void note_cached_read(const std::byte* address);
  // Waits for a free slot of the pipe's queue and returns it; the caller fills it and calls
  // issue().
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
  void issue(Pipe pipe);
  void suspend(Blocked reason);
  void await_arrivals();
  // Hides the cache and switches to the resumer, until a step resumes this core.
  void leave();
  // Writes back and drops the cache line of a signal's cell: signal instructions act on memory.
  void refresh(const std::uint32_t* cell);
  void advance(Pipe pipe);
  void execute(Pipe pipe, const Instruction& instruction, Picoseconds time);
  void execute_load(PipeQueue& pipe, const Instruction& instruction, Picoseconds time);
  void execute_store(Pipe pipe, const Instruction& instruction, Picoseconds time);
  void execute_vector(PipeQueue& pipe, const Instruction& instruction, Picoseconds time);
  void execute_tile(Pipe pipe, const Instruction& instruction, Picoseconds time);
  [[nodiscard]] Picoseconds load_end(int owner, std::size_t bytes, bool to_l1, Picoseconds time);
  [[nodiscard]] Picoseconds store_end(int owner, std::size_t bytes, bool from_l0c,
                                      Picoseconds time);
  [[nodiscard]] Picoseconds tile_ps(Pipe pipe, const TileOperation& operation) const;
  [[nodiscard]] Picoseconds transfer_end(int from, int to, std::size_t bytes, Picoseconds time);
  [[nodiscard]] Picoseconds store_latency(int owner) const;
  Fabric::StoreInFlight& send_store(Pipe pipe, Picoseconds latency, const Instruction& instruction);
  [[nodiscard]] bool is_store(const Instruction& instruction) const;
  void fire(std::uint32_t flag, Picoseconds time);
  // The pipes that barriers and dsb wait for: all except the DMA engine.
  [[nodiscard]] std::span<const PipeQueue> drained_pipes() const {
    static_assert(static_cast<int>(Pipe::dma) == pipe_count - 1);
    return std::span(pipes_).first(pipe_count - 1);
  }
  [[nodiscard]] bool have_completed(std::uint32_t transfers) const;
  void emit_transfers(std::uint32_t complete, SourcePlace place);
  [[nodiscard]] bool drained() const;
  [[nodiscard]] Picoseconds drain_time() const;
  void check_drained();
  [[nodiscard]] Picoseconds vector_ps(std::size_t bytes, bool converts) const;
  // Fills in this core's rank, index, time and number where unset, and sends the event to readers.
  void emit(Event event);
  void emit_sync(EventKind kind, Pipe pipe, SourcePlace place);
  void emit_queued(EventKind kind, Pipe pipe, const Instruction& instruction);
  void emit_signal(EventKind kind, const Wait& wait, bool polled, Look look = Look::none);
  void emit_transfer(Pipe pipe, const Instruction& instruction, Picoseconds begin);
  void emit_tile(Pipe pipe, const Instruction& instruction, Picoseconds begin,
                 std::span<const GlobalRun> runs);

  Fabric& fabric_;
  const Platform& platform_;
  int rank_;
  int index_;
  std::byte* unified_buffer_;
  Picoseconds issue_ps_;
  Picoseconds clock_ = 0;
  std::uint64_t instructions_ = 0;
  std::uint64_t notifies_in_a_row_ = 0;
  SourcePlace place_;
  Blocked blocked_ = Blocked::asleep;
  bool in_kernel_ = false;
  bool is_unwinding_ = false;
  std::uint32_t stale_steps_ = 0;  // scalar steps from before a restart, as PipeQueue::stale_steps
  Pipe blocked_pipe_{};
  std::uint32_t blocked_flag_ = 0;
  Wait wait_;
  std::array<PipeQueue, pipe_count> pipes_;
  std::uint32_t transfers_ = 0;  // issued to the DMA engine
  Flags flags_{platform_.switches.event_identity_without_waiter};
  ScalarCache cache_;
  struct LastLook {
    const void* address = nullptr;
    SourcePlace place;
    std::uint64_t instruction = UINT64_MAX - 1;
    std::uint64_t bits = 0;  // the value found
  };
  LastLook last_look_;
  struct LastRead {
    const std::byte* address = nullptr;
    std::uint64_t instruction = UINT64_MAX - 1;
    std::uint64_t count = 0;  // consecutive reads of that address before it
  };
  LastRead last_read_;
  std::uint64_t looks_ = 0;  // instructions that are looks, or may stand between two looks
  // The last look at each word: its place, the number of instructions of another kind before it,
  // the value found, and how many looks from that place in a row have found the same value.
  struct LookedAt {
    SourcePlace place;
    std::uint64_t others = 0;
    std::uint32_t alike = 0;
    std::uint64_t bits = 0;
  };
  std::map<const void*, LookedAt> looked_at_;
  // Polled words in cached lines. found_: the value that the line was filled with, until the
  // program reads or overwrites the word. written_, by the word's address: the last scalar store to
  // the word that has not been written back.
  std::map<const PolledWords::Word*, std::uint64_t> found_;
  struct Written {
    PolledWords::Word* word = nullptr;
    std::uint32_t instruction = 0;
  };
  std::map<const std::byte*, Written> written_;
  // The operands of queued tile instructions; a slot is free again once its instruction executed.
  std::vector<TileOperation> tile_operations_;
  std::vector<std::uint32_t> free_tile_operations_;
  // For readers: the number of ordering events so far (see orders()), and the footprints of the
  // event being sent.
  std::uint32_t ordering_events_ = 0;
  std::vector<Footprint> reads_, writes_;
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
