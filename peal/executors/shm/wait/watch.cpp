// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/wait/watch.h"

#include <sched.h>

#include <atomic>
#include <optional>
#include <string_view>

#include "peal/executors/shm/membership.h"
#include "peal/executors/shm/processors.h"
#include "peal/executors/shm/wait/signal_owner_state.h"
#include "peal/run/deadlock.h"

namespace peal {

// The scheduler does not separate two ranks that share a processor and take turns: each sleeps
// while the other runs, so the load looks like that of one. Here the rank of the higher number
// moves.
void ShmWatch::before_yields() {
  if (!may_spread_) return;
  const int own = ::sched_getcpu() + 1;
  arena_.rank(rank_).processor.store(own, std::memory_order_relaxed);
  for (int peer = 0; peer < rank_; ++peer) {
    if (arena_.rank(peer).processor.load(std::memory_order_relaxed) == own) return move_apart();
  }
}

void ShmWatch::move_apart() {
  constexpr std::chrono::milliseconds between_moves(10);
  const auto now = std::chrono::steady_clock::now();
  if (now < next_move_) return;
  next_move_ = now + between_moves;
  const std::optional<ProcessorSet> allowed = ProcessorSet::allowed();
  if (!allowed) return;
  ProcessorSet left = *allowed;
  for (int peer = 0; peer < arena_.ranks(); ++peer) {
    const int taken = arena_.rank(peer).processor.load(std::memory_order_relaxed) - 1;
    if (taken >= 0) left.remove(taken);
  }
  const std::optional<int> processor = left.first();
  if (!processor) return;
  // Restricting the affinity moves the thread; restoring it leaves later moves to the scheduler.
  if (left.only(*processor).allow()) allowed->allow();
  arena_.rank(rank_).processor.store(*processor + 1, std::memory_order_relaxed);
}

void ShmWatch::show_sleep(const WaitWord& word, std::uint32_t target, SourcePlace place) {
  RankControl& own = arena_.rank(rank_);
  if (own.sleeps.load() % 2 == 1) return;
  // Every watched wait is for the arrivals of a signal; `added`, its word, is a cell's first
  // member.
  auto& cell = reinterpret_cast<SignalCell&>(word.value);
  const auto consumed =
      static_cast<std::uint32_t>(cell.owner_state == 0 ? 0 : owner_state(cell).consumed);
  SleepingWait& wait = own.wait;
  wait.cell = arena_.place_of(cell);
  wait.target = target;
  wait.line = place.line;
  wait.calls_place = calls_ == nullptr ? 0 : calls_->place();
  wait.call_number = call_number_;
  if (calls_ != nullptr) calls_->publish(call_number_);
  keep_text(wait.file, std::string_view(place.file));
  const auto missing = static_cast<std::int32_t>(target - arrivals(word));
  keep_text(wait.what,
            describe_wait(static_cast<std::int32_t>(target - consumed),
                          team_ == nullptr ? "a signal" : team_->name_of(&cell), missing) +
                context());
  // Odd from here on: readers may copy `wait` (see standing() in deadlock.cpp).
  own.sleeps.fetch_add(1);
}

std::optional<CallPosition> ShmWatch::position() const {
  if (calls_ == nullptr) return std::nullopt;
  return CallPosition{.part = rank_, .place = calls_->place(), .number = call_number_};
}

std::string ShmWatch::context() const {
  if (calls_ == nullptr || !is_in_call_) return "";
  const std::optional<CallRecord> call = call_of(calls_->own(), call_number_);
  return call ? " in " + describe(*call) : "";
}

void ShmWatch::after_sleeps() {
  arena_.rank(rank_).waits.store(false, std::memory_order_release);
  std::atomic<std::uint32_t>& sleeps = arena_.rank(rank_).sleeps;
  if (sleeps.load() % 2 == 1) sleeps.fetch_add(1);
}

}  // namespace peal
