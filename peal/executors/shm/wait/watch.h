// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "peal/executors/shm/memory/arena.h"
#include "peal/executors/shm/wait/call_history.h"
#include "peal/executors/shm/wait/waiter.h"

namespace peal {

class ShmMembership;

// Looks after the waits of one who has a part of an arena: parts it from those who wait on the same
// processor, shows the others what it sleeps in, and knows why a wait may be in vain.
class ShmWatch : public WaitWatch {
 public:
  // The policy is the one by which it waits.
  ShmWatch(const ShmArena& arena, int rank, const WaitPolicy& policy)
      : arena_(arena), rank_(rank), may_spread_(!policy.is_oversubscribed) {}

  // Why nobody can go on; nothing as long as everybody can.
  [[nodiscard]] virtual std::optional<std::string> failure() const = 0;
  // Signals are called what this team calls them, which has to live as long as there are waits.
  void set_team(const ShmMembership& team) { team_ = &team; }

  // The next wait is in that call of a team, unless null, or between two of its calls.
  void set_call(const ShmCalls* calls, std::uint64_t number, bool is_within) {
    calls_ = calls;
    call_number_ = number;
    is_in_call_ = is_within;
  }
  void before_yields() override;
  void after_sleeps() override;
  [[nodiscard]] std::string context() const override;

 protected:
  [[nodiscard]] int rank() const { return rank_; }
  // Where this one is among its team's calls, if it is known.
  [[nodiscard]] std::optional<CallPosition> position() const;
  // Shows that this one waits.
  void show_wait() { arena_.rank(rank_).waits.store(true, std::memory_order_release); }
  [[nodiscard]] const ShmArena& arena() const { return arena_; }
  // Until the wait is over.
  void show_sleep(const WaitWord& word, std::uint32_t target, SourcePlace place);
  // Nobody need keep away from the processor that it waited on.
  void forget_processor() { arena_.rank(rank_).processor.store(0, std::memory_order_relaxed); }

 private:
  // Moves to a processor that nobody else was seen waiting on.
  void move_apart();

  const ShmArena& arena_;
  int rank_;
  bool may_spread_;  // there is a processor for each
  std::chrono::steady_clock::time_point next_move_{};
  const ShmMembership* team_ = nullptr;
  const ShmCalls* calls_ = nullptr;
  std::uint64_t call_number_ = 0;
  bool is_in_call_ = false;
};

}  // namespace peal
