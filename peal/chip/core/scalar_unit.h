// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <string>

#include "peal/base/source_place.h"
#include "peal/base/units.h"
#include "peal/chip/core/scalar_cache.h"
#include "peal/chip/fabric.h"
#include "peal/machine/signal.h"
#include "peal/run/pipe.h"
#include "peal/run/platform.h"

namespace peal {

// The scalar unit of a core: its clock, its count of instructions, its cache, and what it waits
// for. Its program runs on a fiber; suspend() and yield() leave the fiber, and a step of the agenda
// resumes it.
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
class ScalarUnit {
 public:
  // The first step of the program is added to the agenda, at time 0.
  ScalarUnit(Fabric& fabric, int rank, int index);
  ScalarUnit(const ScalarUnit&) = delete;
  ScalarUnit& operator=(const ScalarUnit&) = delete;

  [[nodiscard]] int rank() const { return rank_; }    // of the core
  [[nodiscard]] int index() const { return index_; }  // of the core
  [[nodiscard]] ScalarCache& cache() { return cache_; }

  // Instructions.
  [[nodiscard]] Picoseconds clock() const { return clock_; }
  [[nodiscard]] std::uint64_t instructions() const { return instructions_; }  // begun
  [[nodiscard]] SourcePlace place() const { return place_; }                  // of the last one
  void begin(SourcePlace place) {
    clock_ += issue_ps_;
    ++instructions_;
    place_ = place;
  }
  void spend(Picoseconds duration) { clock_ += duration; }
  void advance_to(Picoseconds time) { clock_ = std::max(clock_, time); }

  // The budget of a program: upper bounds for one core. A kernel that exceeds them is reported as
  // an endless loop.
  static constexpr std::uint64_t max_instructions = 20000000;
  static constexpr std::uint64_t max_notifies_in_a_row = 1000000;
  void note_notify() { ++notifies_in_a_row_; }
  // The number of notifies since the last wait for a signal that was satisfied.
  [[nodiscard]] std::uint64_t notifies_in_a_row() const { return notifies_in_a_row_; }
  // The sentence that reports an exceeded bound; empty while the program is within both.
  [[nodiscard]] std::string spent_budget() const;

  // What a scalar unit is suspended for. asleep: only for its own step on the agenda.
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

  // A wait for a signal; `consumes`, the number of arrivals that it consumes, is for reports only.
  struct Wait {
    const std::uint32_t* cell = nullptr;
    WaitCmp cmp{};
    std::uint32_t value = 0;
    std::uint32_t consumes = 0;
    SourcePlace place;
  };
  [[nodiscard]] const Wait& waiting() const { return wait_; }  // if blocked() is signal

  // Suspension, called by the program. suspend() is for what the waits below do not name: the
  // caller evaluates its condition again when it returns.
  void suspend(Blocked reason) {
    blocked_ = reason;
    leave();
  }
  // Returns at the scalar unit's own step at clock() (case 3).
  void yield();
  void wait_for_room(Pipe pipe) {
    blocked_pipe_ = pipe;
    suspend(Blocked::queue);
  }
  void wait_for_flag(std::uint32_t flag) {
    blocked_flag_ = flag;
    suspend(Blocked::flag);
  }
  // Returns once the comparison holds, at once if it does already.
  void wait_for_signal(const Wait& wait);
  // Keeps the scalar unit's next access from taking effect before signals that this core has sent:
  // those to its own rank and, on platforms with ordered signals, all of them.
  void await_arrivals() {
    while (fabric_.awaits_arrival(index_)) suspend(Blocked::arrival);
  }
  void finish() {
    cache_.hide();
    blocked_ = Blocked::finished;
  }

  // News from other steps. Each wakes the scalar unit if it is suspended for just that: a queue has
  // room, a flag is set, a store is visible, a cell has changed, all awaited signals have arrived,
  // the word looked at has changed.
  void note_room(Pipe pipe, Picoseconds time) {
    if (blocked_ == Blocked::queue && blocked_pipe_ == pipe) wake(time);
  }
  // True if the scalar unit waits for that flag.
  bool note_flag(std::uint32_t flag, Picoseconds time) {
    if (blocked_ != Blocked::flag || blocked_flag_ != flag) return false;
    wake(time);
    return true;
  }
  void note_visible_store(Picoseconds time) {  // the program evaluates its condition again
    if (blocked_ == Blocked::visible || blocked_ == Blocked::transfers) wake(time);
  }
  void note_cell(const std::uint32_t* cell, Picoseconds time) {
    if (blocked_ != Blocked::signal || wait_.cell != cell) return;
    if (holds(wait_.cmp, *cell, wait_.value)) wake(time + platform_.signals.poll_ps);
  }
  void note_arrivals(Picoseconds time) {
    if (blocked_ == Blocked::arrival) wake(time);
  }
  void note_look(Picoseconds time) {
    if (blocked_ == Blocked::look) wake(time + platform_.signals.poll_ps);
  }
  // Makes the scalar unit runnable at `time` or later.
  void wake(Picoseconds time);

  // Takes a scalar step: the program goes on until it suspends the next time.
  void step(Picoseconds time);

  // See Core's functions of these names.
  void enter_kernel() { in_kernel_ = true; }
  void leave_kernel() { in_kernel_ = false; }
  [[nodiscard]] bool in_kernel() const { return in_kernel_; }
  [[noreturn]] void fail(std::exception_ptr failure);
  void mark_unwinding() { is_unwinding_ = true; }
  [[nodiscard]] bool is_unwinding() const { return is_unwinding_; }

  // Prepares for a new program after the last one was abandoned, with an empty cache: its first
  // step is added to the agenda.
  void restart();

 private:
  // Hides the cache and switches to the resumer, until a step resumes this core.
  void leave();

  Fabric& fabric_;
  const Platform& platform_;
  int rank_;
  int index_;
  Picoseconds issue_ps_;
  Picoseconds clock_ = 0;
  std::uint64_t instructions_ = 0;
  std::uint64_t notifies_in_a_row_ = 0;
  SourcePlace place_;
  Blocked blocked_ = Blocked::asleep;
  bool in_kernel_ = false;
  bool is_unwinding_ = false;
  std::uint32_t stale_steps_ = 0;  // steps on the agenda from before a restart, to be ignored
  Pipe blocked_pipe_{};
  std::uint32_t blocked_flag_ = 0;
  Wait wait_;
  ScalarCache cache_;
};

}  // namespace peal
