// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "peal/run/event.h"

namespace peal {

// Of one core: how far each pipe is, in every schedule, when a set_flag takes effect or a wait_flag
// is reached. A pipe knows of each pipe how many of its instructions have been executed: by what
// the scalar unit knew at the issue, by the flags that it has waited for, and by barriers.
//
// A wait_flag takes no time. So one has passed as soon as its flag has been set and what stands
// before it in its pipe's queue is over: whoever knows what the pipe knows when it reaches the wait
// comes after the wait, if he comes after the set_flag and is issued after the wait.
class FlagOrder {
 public:
  using Counts = std::array<std::uint32_t, pipe_count>;  // of instructions, of each pipe

  // What is known at a set_flag; whoever waits for the flag gets it.
  [[nodiscard]] const Counts& set(const Event& event);
  // A wait_flag passes, for a flag set with that knowledge. Returns what its pipe knew before.
  Counts wait(const Event& event, const Counts& token);
  // Any other event: an instruction, a barrier, or one that `orders`.
  void follow(const Event& event);

 private:
  // What the scalar unit knows of what it issues after so many events that order.
  struct Issue {
    std::uint32_t after = 0;
    Counts known{};
  };
  Counts& at(const Event& event);
  void order(const Event& event);

  std::array<Counts, pipe_count> known_{};
  std::vector<Issue> issues_{Issue{}};  // each knows more than the one before it
  std::uint32_t ordering_events_ = 0;
  std::array<std::uint32_t, pipe_count> last_issues_{};  // of each pipe, the one it got last
};

}  // namespace peal
