// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "peal/checks/memory/access.h"
#include "peal/checks/order/lane_clock.h"
#include "peal/run/event.h"

namespace peal {

// Happens-before within one core: issue -> execution, execution -> next on the pipe, k-th set_flag
// -> k-th wait_flag, barriers, dsb, and when stores can be seen. What comes from other cores is
// carried along as the number of waits that the scalar unit had passed (Lane::acquired).
class CoreOrder {
 public:
  explicit CoreOrder(bool drained_is_visible) : drained_is_visible_(drained_is_visible) {}

  // When an instruction or scalar access starts, and its number in its lane.
  struct Start {
    LaneClock clock;
    std::uint32_t sequence = 0;
  };
  // An instruction of a pipe is executed.
  Start execute(const Event& event);
  // A scalar access, of Lane::scalar.
  Start scalar_access();

  void set_flag(const Event& event);
  void wait_flag(const Event& event);
  void pipe_barrier(const Event& event);
  void dsb();
  // A store through the scalar cache, which a dcci and then a dsb end; returns its number.
  std::uint32_t cached_store(std::uint64_t line);
  // A dcci of one line, or of all.
  void clean(std::uint64_t line);
  void clean_all();
  void dma_wait(const Event& event);
  // A wait passes; returns its number, from 1.
  std::uint32_t acquire();
  // A notify, or a task's end; returns its number, from 1.
  std::uint32_t release();
  // Called after each event that `orders`.
  void remember_issue_clock() { issue_clocks_.push_back(scalar_); }

  [[nodiscard]] const LaneClock& scalar() const { return scalar_; }
  // What the scalar unit knew at release number r.
  [[nodiscard]] const LaneClock& release_clock(std::uint32_t r) const {
    return releases_[r - 1 - dropped_releases_];
  }
  [[nodiscard]] std::uint32_t release_count() const {
    return dropped_releases_ + static_cast<std::uint32_t>(releases_.size());
  }
  // How many releases of this core come before what starts with this clock, in program order.
  [[nodiscard]] std::uint32_t releases_before(const LaneClock& clock) const;
  // The first release of this core by which the access has ended; UINT32_MAX if there is none.
  [[nodiscard]] std::uint32_t first_release_after(const Access& access) const;
  // Forgets those before number r, which nobody asks for any more.
  void drop_releases(std::uint32_t r);
  // Whether the access of this core is over for whoever knows `clock` of it.
  [[nodiscard]] bool has_ended(const Access& access, const LaneClock& clock) const {
    if (access.end != Lane::scalar_visible) return clock[access.end] >= access.sequence;
    const std::uint32_t flushed = flushed_[access.sequence];
    return flushed != 0 && clock[Lane::scalar] >= flushed;
  }
  [[nodiscard]] std::uint32_t executed(Pipe pipe) const {
    return executed_[static_cast<std::size_t>(pipe)];
  }

 private:
  [[nodiscard]] LaneClock& pipe(Pipe pipe) { return pipes_[static_cast<std::size_t>(pipe)]; }
  // The pipe's clock after it has got what the scalar unit knew when the event was issued.
  LaneClock& issued(const Event& event);
  std::uint32_t next_sequence(Pipe pipe) { return ++executed_[static_cast<std::size_t>(pipe)]; }

  bool drained_is_visible_;
  LaneClock scalar_;
  std::array<LaneClock, pipe_count> pipes_{};
  std::array<std::uint32_t, pipe_count> executed_{};
  // After each ordering event, from number `first_issue_clock_` on.
  std::vector<LaneClock> issue_clocks_{LaneClock{}};
  std::uint32_t first_issue_clock_ = 0;
  std::array<std::uint32_t, pipe_count> last_issues_{};  // of each pipe, the clock it got last
  // What each flag carries that was set last: tokens_[flag_slots_[flag]], from 1 on.
  std::array<std::uint16_t, pipe_count * pipe_count * 8> flag_slots_{};
  std::vector<LaneClock> tokens_{LaneClock{}};
  std::vector<LaneClock> releases_;
  std::uint32_t dropped_releases_ = 0;
  // Of each store through the scalar cache: the dsb after the dcci of its line, in Lane::scalar; 0
  // before that.
  std::vector<std::uint32_t> flushed_;
  std::map<std::uint64_t, std::vector<std::uint32_t>> dirty_;  // stores of each line not cleaned
  std::vector<std::uint32_t> cleaned_;                         // since the last dsb
};

}  // namespace peal
