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

// Happens-before within one core, as vector clocks over its lanes (lane_clock.h). Edges:
//   - issue by the scalar unit -> execution on a pipe (issue_clocks_);
//   - execution -> execution of the next instruction on the same pipe (pipes_);
//   - set_flag -> the wait_flag that consumes it (tokens_);
//   - pipe_barrier(PIPE_ALL), dma_wait: execution -> scalar unit;
//   - dsb: a store that has executed -> the store is visible;
//   - dcci of its line, then dsb: a store through the scalar cache -> the store is visible (dirty_,
//     cleaned_, flushed_).
// Order from other cores enters as the number of waits that the scalar unit has passed
// (Lane::acquired), which selects a row of KnownReleases.
class CoreOrder {
 public:
  // `drained_is_visible`: a store that a flag or barrier has waited for is visible without a dsb.
  explicit CoreOrder(bool drained_is_visible) : drained_is_visible_(drained_is_visible) {}

  // What happens before an instruction or scalar access, and its number in its lane, from 1.
  struct Start {
    LaneClock clock;
    std::uint32_t sequence = 0;
  };
  // A pipe executes an instruction.
  Start execute(const Event& event);
  // The scalar unit makes an access.
  Start scalar_access();

  void set_flag(const Event& event);
  void wait_flag(const Event& event);
  void pipe_barrier(const Event& event);
  void dsb();
  // Registers a store to a line of the scalar cache; returns its number, which has_ended() takes as
  // the sequence of the access. It ends with the first dsb after the next dcci of the line.
  std::uint32_t cached_store(std::uint64_t line);
  // A dcci of one line, by its address, or of all lines.
  void clean(std::uint64_t line);
  void clean_all();
  void dma_wait(const Event& event);
  // A wait passes; returns its number, from 1.
  std::uint32_t acquire();
  // A release: a notify, a task's end, or a store to a polled word. Returns its number, from 1.
  std::uint32_t release();
  // Must be called after each event for which `orders` holds (event.h): Event::issued indexes
  // these.
  void remember_issue_clock();

  [[nodiscard]] const LaneClock& scalar() const { return scalar_; }
  // The scalar unit's clock at release number r, which must not have been dropped.
  [[nodiscard]] const LaneClock& release_clock(std::uint32_t r) const {
    return releases_[r - 1 - dropped_releases_];
  }
  [[nodiscard]] std::uint32_t release_count() const {
    return dropped_releases_ + static_cast<std::uint32_t>(releases_.size());
  }
  // How many releases of this core precede, in program order, an access that starts with this
  // clock.
  [[nodiscard]] std::uint32_t releases_before(const LaneClock& clock) const;
  // The first release of this core by which its access has ended; UINT32_MAX if there is none.
  [[nodiscard]] std::uint32_t first_release_after(const Access& access) const;
  // Drops the clocks of releases before number r, of which none is asked for again.
  void drop_releases(std::uint32_t r);
  // True if the access of this core has ended (a store: is visible) for an observer that knows this
  // core up to `clock`. A store through the scalar cache has, if the observer knows of the dsb that
  // flushed it.
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
  // The clock of the event's pipe, after it has joined the scalar unit's clock at the issue.
  LaneClock& issued(const Event& event);
  std::uint32_t next_sequence(Pipe pipe) { return ++executed_[static_cast<std::size_t>(pipe)]; }

  bool drained_is_visible_;
  LaneClock scalar_;
  std::array<LaneClock, pipe_count> pipes_{};
  std::array<std::uint32_t, pipe_count> executed_{};
  // The scalar unit's clock after consecutive ordering events, of which `first` is the number of
  // the first one. Each of them but the first advanced Lane::scalar by one and no other lane, as
  // scalar accesses do: however many they are, they take the memory of one.
  struct IssueClocks {
    LaneClock clock;  // after event `first`
    std::uint32_t first = 0;

    [[nodiscard]] LaneClock at(std::uint32_t number) const {
      LaneClock result = clock;
      result[Lane::scalar] += number - first;
      return result;
    }
  };
  // Clock number `issued` of the event, which its pipe has not joined before.
  [[nodiscard]] LaneClock issue_clock(const Event& event) const;
  std::vector<IssueClocks> issue_clocks_{IssueClocks{}};
  std::uint32_t next_issue_clock_ = 1;
  std::array<std::uint32_t, pipe_count> last_issues_{};  // by pipe: the issue clock joined last
  // The clock that each flag's last set_flag carries: tokens_[flag_slots_[flag]]; slot 0: never
  // set.
  std::array<std::uint16_t, pipe_count * pipe_count * 8> flag_slots_{};
  std::vector<LaneClock> tokens_{LaneClock{}};
  std::vector<LaneClock> releases_;
  std::uint32_t dropped_releases_ = 0;
  // By number of a store through the scalar cache: the position in Lane::scalar of the dsb that
  // made it visible; 0 until then.
  std::vector<std::uint32_t> flushed_;
  std::map<std::uint64_t, std::vector<std::uint32_t>> dirty_;  // by line: stores not cleaned yet
  std::vector<std::uint32_t> cleaned_;                         // cleaned since the last dsb
};

}  // namespace peal
