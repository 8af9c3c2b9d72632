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

#include "peal/chip/fabric.h"
#include "peal/chip/flags.h"
#include "peal/chip/instruction.h"
#include "peal/chip/polled_words.h"
#include "peal/chip/scalar_cache.h"
#include "peal/chip/tile_operation.h"
#include "peal/machine/signal.h"

namespace peal {

// The memories of a core.
enum class OnChip : std::uint8_t { unified, l1, l0a, l0b, l0c };
inline constexpr int on_chip_count = 5;
[[nodiscard]] std::int64_t on_chip_bytes(const Platform& platform, OnChip memory);
// Of all memories of a core together.
[[nodiscard]] std::int64_t on_chip_bytes(const Platform& platform);

// One core of a chip: a scalar unit that issues in program order, and pipes that run
// asynchronously to each other, in order within a pipe. The instruction calls are made by the
// program that runs on the scalar unit and may suspend it.
class Core {
 public:
  Core(Fabric& fabric, int rank, int index, std::byte* unified_buffer);

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int index() const { return index_; }
  [[nodiscard]] std::byte* unified_buffer() { return unified_buffer_; }
  [[nodiscard]] Fabric& fabric() const { return fabric_; }
  // Where a memory of the core starts: the unified buffer, then L1, L0A, L0B, L0C.
  [[nodiscard]] std::byte* on_chip(OnChip memory);
  [[nodiscard]] Picoseconds clock() const { return clock_; }  // of the scalar unit
  [[nodiscard]] std::uint64_t instructions() const { return instructions_; }
  // Notifies since the last wait that has passed.
  [[nodiscard]] std::uint64_t notifies_in_a_row() const { return notifies_in_a_row_; }
  // A kernel that goes on beyond these on one core is taken to never end.
  static constexpr std::uint64_t max_instructions = 20000000;
  static constexpr std::uint64_t max_notifies_in_a_row = 1000000;
  // Failed polls in a row, while nothing else happens, after which a run has come to a deadlock.
  static constexpr std::uint64_t polls_in_vain = 200000;
  // What is said then; empty as long as the kernel has not come so far.
  [[nodiscard]] std::string spent_budget() const;

  // MTE2: `count` elements from global memory, anyone's, to on-chip memory.
  void load(std::byte* dst, const std::byte* src, std::uint32_t count, DType dtype,
            SourcePlace place);
  // MTE3: from on-chip memory to global memory, anyone's.
  void store(std::byte* dst, const std::byte* src, std::uint32_t count, DType dtype,
             SourcePlace place);
  // MTE3: the same, combined into the destination, atomically per element.
  void store_atomic(std::byte* dst, const std::byte* src, std::uint32_t count, DType dtype,
                    ReduceOp op, SourcePlace place);
  // V: dst = a op b, all on-chip.
  void combine(std::byte* dst, const std::byte* a, const std::byte* b, std::uint32_t count,
               DType dtype, ReduceOp op, SourcePlace place);
  // V: between f32 and f16 or bf16.
  void convert(std::byte* dst, DType dst_dtype, const std::byte* src, DType src_dtype,
               std::uint32_t count, SourcePlace place);

  // A tile instruction on its pipe.
  void tile(Pipe pipe, const TileOperation& operation, SourcePlace place);

  // The core's DMA engine: `count` elements from one place of global memory to another, anyone's.
  // Returns its number among the core's transfers. Nothing but the two below waits for it.
  std::uint32_t transfer(std::byte* dst, const std::byte* src, std::uint32_t count, DType dtype,
                         SourcePlace place);
  // Holds the scalar until the core's first `count` transfers are complete.
  void wait_transfers(std::uint32_t count, SourcePlace place);
  [[nodiscard]] std::uint32_t transfers() const { return transfers_; }  // issued so far
  // Whether they are now.
  [[nodiscard]] bool test_transfers(std::uint32_t count, SourcePlace place);

  void set_flag(Pipe from, Pipe to, int id, SourcePlace place);
  void wait_flag(Pipe from, Pipe to, int id, SourcePlace place);
  // Pipe::all holds the scalar until every pipe is drained.
  void pipe_barrier(Pipe pipe, SourcePlace place);
  // Holds the scalar until the stores that have been executed are visible.
  void dsb(SourcePlace place);

  // Adds to or sets a cell, own or a peer's. Does not wait for earlier stores; drains all pipes
  // after it.
  void notify(std::uint32_t* cell, std::uint32_t value, NotifyOp op, SourcePlace place);
  // Holds the scalar until the own cell compares so; `consumes` is for reports.
  void wait(const std::uint32_t* cell, WaitCmp cmp, std::uint32_t value, std::uint32_t consumes,
            SourcePlace place);
  // Whether the own cell compares so now; `consumes` is for reports.
  [[nodiscard]] bool test(const std::uint32_t* cell, WaitCmp cmp, std::uint32_t value,
                          std::uint32_t consumes, SourcePlace place);

  // A scalar access through the cache, which the program makes itself afterwards, before it calls
  // anything but further accesses.
  void scalar_access(const std::byte* address, std::size_t size, bool writes, SourcePlace place);
  // A scalar access to the core's memory on chip, which the program makes itself afterwards. The
  // pipes may have got ahead of it by then as far as no flag or barrier holds them.
  void on_chip_access(const std::byte* address, std::size_t size, bool writes, SourcePlace place);
  // Scalar accesses that bypass the cache.
  void device_load(void* value, const std::byte* address, std::size_t size, SourcePlace place);
  void device_store(std::byte* address, const void* value, std::size_t size, SourcePlace place);
  // Clean and invalidate the line of an address, or the whole cache.
  void dcci(const std::byte* address, SourcePlace place);
  void dcci_all(SourcePlace place);
  // A kernel begins or ends here: the cache is empty. What the last kernel has changed and not
  // cleaned comes to memory now, which on hardware is a matter of luck.
  void retire_cache();
  // Tells the readers of an access in order with the scalar unit; `value` is what it stores to a
  // word.
  void report_access(EventKind kind, const std::byte* address, std::size_t size, bool cached,
                     SourcePlace place, std::int64_t value = 0, Look look = Look::none);
  // Tells the readers that a task begins or ends here, or that what follows is after its end; a
  // name is for reports.
  void report_task(EventKind kind, std::int64_t task, SourcePlace place, const char* name = "");
  // Tells them that a call of the kernel, by its number, begins here.
  void report_call(std::int64_t call);
  // Lets the scalar unit be busy.
  void spend(Picoseconds duration) { clock_ += duration; }
  // Lets everybody else catch up with this core's scalar clock.
  void yield();
  void finish() {
    cache_.hide();
    blocked_ = Blocked::finished;
  }

  // Code of a kernel runs on this core from here on, or no more. What goes wrong meanwhile leaves
  // the kernel where it stands, without unwinding it: its destructors, functions that are noexcept
  // and handlers of all exceptions may do whatever they like.
  void enter_kernel() { in_kernel_ = true; }
  void leave_kernel() { in_kernel_ = false; }
  [[nodiscard]] bool in_kernel() const { return in_kernel_; }
  // Ends the program that runs on this core with a failure, which comes out of the run. Where a
  // kernel runs, nothing of it is unwound; else the failure is thrown.
  [[noreturn]] void fail(std::exception_ptr failure);
  // The run is over for this core, whose program is being unwound: verbs in its destructors do
  // nothing.
  void mark_unwinding() { is_unwinding_ = true; }
  [[nodiscard]] bool is_unwinding() const { return is_unwinding_; }

  // A core that several programs share, one after the other, has nothing to do from park() until it
  // is woken, at this time or later.
  void park() { suspend(Blocked::parked); }
  void wake(Picoseconds time);
  // Its program has been left for good, and another one begins: what waits in the queues is not
  // carried out, flags are down, and the cache is empty. Stores under way still arrive.
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
  [[nodiscard]] const Wait& waiting() const { return wait_; }  // where blocked() is signal
  [[nodiscard]] SourcePlace place() const { return place_; }   // of the last instruction issued
  [[nodiscard]] const void* looks_at() const { return last_look_.address; }
  // The place of the wait for an event flag that holds the core up, at a deadlock: the first in
  // program order, behind which the others stand.
  [[nodiscard]] SourcePlace missing_flag() const;

  // For Fabric: steps that this core's parts take.
  void scalar_step(Picoseconds time);
  void pipe_step(Pipe pipe, Picoseconds time);
  void store_visible(Pipe pipe, std::uint32_t sequence, Picoseconds time);
  void cell_changed(const std::uint32_t* cell, Picoseconds time);
  void signals_arrived(Picoseconds time);  // all that are awaited
  void look_changed(Picoseconds time);     // the word that it looks at

 private:
  enum class PipeState : std::uint8_t { idle, scheduled, flag, visible };

  struct PipeQueue {
    std::vector<Instruction> ring;  // made at first use; its size is the queue's depth
    std::uint32_t head = 0, size = 0;
    PipeState state = PipeState::idle;
    Picoseconds free = 0;  // when its last instruction ends
    std::uint32_t blocked_flag = 0;
    // Stores: `executed` so far; those from `first_pending` on may be invisible, and bit k of
    // `visible` says that store first_pending + k is not.
    std::uint32_t executed = 0, first_pending = 0;
    std::uint64_t visible = 0;
    Picoseconds last_visible = 0;
    struct PendingFlag {  // fires when the stores before `sequence` are visible
      std::uint32_t sequence = 0, flag = 0;
    };
    std::vector<PendingFlag> pending_flags;
    std::uint32_t stale_steps = 0;  // of before a restart: they come, and are for nothing
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
  // Instructions without effect on others may stand between two looks that are the same.
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
  // Polls for what nobody is left to bring about end the run.
  void note_failed_poll(SourcePlace place) const;
  [[noreturn]] void throw_in_vain(const char* what, SourcePlace place) const;
  void note_cached_read(const std::byte* address);
  // The next free slot of the pipe's queue, for the caller to fill; then it is issued.
  Instruction& begin_issue(Pipe pipe, Opcode opcode, SourcePlace place);
  struct Transfer {  // of consecutive elements, between memories
    Opcode opcode{};
    std::byte* dst = nullptr;
    const std::byte* src = nullptr;
    std::uint32_t count = 0;
    DType dtype{};
    ReduceOp op = ReduceOp::sum;  // where it is atomic
    bool atomic = false;
  };
  void issue_transfer(Pipe pipe, const Transfer& transfer, SourcePlace place);
  void issue(Pipe pipe);
  void suspend(Blocked reason);
  void await_arrivals();
  // Lets others run until somebody wakes this core.
  void leave();
  // What an access to a signal does to the cache: its line is written back and read anew.
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
  // Those that barriers and dsb wait for.
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
  // Sends an event of this core to the readers.
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
  std::uint32_t stale_steps_ = 0;  // of the scalar unit, as of a pipe
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
    std::uint64_t bits = 0;  // what it found
  };
  LastLook last_look_;
  struct LastRead {
    const std::byte* address = nullptr;
    std::uint64_t instruction = UINT64_MAX - 1;
    std::uint64_t count = 0;  // of reads in a row
  };
  LastRead last_read_;
  std::uint64_t looks_ = 0;  // and what may stand between them
  // Where words were last looked at, and after how many instructions of another kind.
  struct LookedAt {
    SourcePlace place;
    std::uint64_t others = 0;
    std::uint32_t alike = 0;  // so many looks from there have found the same
    std::uint64_t bits = 0;
  };
  std::map<const void*, LookedAt> looked_at_;
  // Polled words in the cache: what their lines were filled with, as far as that has not been
  // looked at or overwritten, and which stores have changed them since.
  std::map<const PolledWords::Word*, std::uint64_t> found_;
  struct Written {
    PolledWords::Word* word = nullptr;
    std::uint32_t instruction = 0;
  };
  std::map<const std::byte*, Written> written_;
  // The operands of tile instructions in the queues; a slot is used again when its turn is over.
  std::vector<TileOperation> tile_operations_;
  std::vector<std::uint32_t> free_tile_operations_;
  // For readers: ordering events so far, and the footprints of the event that is being sent.
  std::uint32_t ordering_events_ = 0;
  std::vector<Footprint> reads_, writes_;
};

// The core whose program is running on this thread, or nullptr outside of programs.
[[nodiscard]] Core* current_core();

// Marks that a kernel runs on a core. Where the kernel is left for good, so is the mark.
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
