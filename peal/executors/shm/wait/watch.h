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

// Watches the waits of one rank of an arena: moves it away from a processor on which another rank
// waits, too, publishes the wait that it sleeps in (RankControl::wait), and tells when a wait is in
// vain. Derived: ShmTeamWatch for runs, DeviceProcess for the devices of a worker.
class ShmWatch : public WaitWatch {
 public:
  // `policy` is that of the rank's waits.
  ShmWatch(const ShmArena& arena, int rank, const WaitPolicy& policy)
      : arena_(arena), rank_(rank), may_spread_(!policy.is_oversubscribed) {}

  // Why this rank can no longer go on; nullopt as long as it can.
  [[nodiscard]] virtual std::optional<std::string> failure() const = 0;
  // Sets the team whose names for signals appear in reports. It must outlive all waits.
  void set_team(const ShmMembership& team) { team_ = &team; }

  // Says where the next wait is among the calls of a team: within call `number`, or after it. With
  // null, the team has made no calls.
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
  // Where this rank is among its team's calls; nullopt if the team has made none.
  [[nodiscard]] std::optional<CallPosition> position() const;
  // Publishes that this rank waits.
  void show_wait() { arena_.rank(rank_).waits.store(true, std::memory_order_release); }
  [[nodiscard]] const ShmArena& arena() const { return arena_; }
  // Publishes the wait that this rank sleeps in, until the wait is over; later calls in the same
  // wait do nothing.
  void show_sleep(const WaitWord& word, std::uint32_t target, SourcePlace place);
  // Withdraws the processor that this rank was seen waiting on, so that peers may use it.
  void forget_processor() { arena_.rank(rank_).processor.store(0, std::memory_order_relaxed); }

 private:
  // Moves this thread to a processor that no other rank was seen waiting on, if there is one.
  void move_apart();

  const ShmArena& arena_;
  int rank_;
  bool may_spread_;  // there is a processor for each rank
  std::chrono::steady_clock::time_point next_move_{};
  const ShmMembership* team_ = nullptr;
  const ShmCalls* calls_ = nullptr;
  std::uint64_t call_number_ = 0;
  bool is_in_call_ = false;
};

}  // namespace peal
