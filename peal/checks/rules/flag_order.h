// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "peal/run/event.h"

namespace peal {

// Happens-before of one core for its event flags, as a vector clock for each pipe: how many
// instructions of each pipe have been executed in every schedule. A pipe learns from the scalar
// unit at the issue of an instruction, from the flags that it waits for, and from barriers.
//
// Why FlagCheck may compare clocks at the moment a wait_flag is *reached*, without what it learns:
// a wait_flag takes no time. It has passed as soon as its flag is set and everything before it in
// its pipe's queue is over. So an instruction that is issued after the wait_flag, comes after the
// set_flag, and knows at least what the pipe knew when it reached the wait_flag, comes after it.
class FlagOrder {
 public:
  using Counts = std::array<std::uint32_t, pipe_count>;  // of instructions, of each pipe

  // The clock of the pipe at a set_flag: the token that the wait_flag for it joins.
  [[nodiscard]] const Counts& set(const Event& event);
  // A wait_flag passes and joins the token. Returns the pipe's clock before the join.
  Counts wait(const Event& event, const Counts& token);
  // Counts instructions and follows barriers and events that order (see orders() in event.h). Must
  // be called for every event, after set() or wait().
  void follow(const Event& event);

 private:
  // The scalar unit's clock after its first `after` ordering events.
  struct Issue {
    std::uint32_t after = 0;
    Counts known{};
  };
  Counts& at(const Event& event);
  void order(const Event& event);

  std::array<Counts, pipe_count> known_{};
  std::vector<Issue> issues_{Issue{}};  // sorted by `after`; only where the clock changed
  std::uint32_t ordering_events_ = 0;
  std::array<std::uint32_t, pipe_count> last_issues_{};  // by pipe: the Event::issued joined last
};

}  // namespace peal
