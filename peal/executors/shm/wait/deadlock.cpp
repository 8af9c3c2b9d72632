// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/wait/deadlock.h"

#include <atomic>
#include <optional>

#include "peal/base/sanitizers.h"
#include "peal/executors/shm/wait/signal_owner_state.h"

namespace peal {
namespace {

// The wait that the rank sleeps in, unless it has what it waits for.
std::optional<StandingCore> standing(const ShmArena& arena, int rank, std::uint32_t sleeps) {
  const RankControl& control = arena.rank(rank);
  const SleepingWait wait = control.wait;
  // What was read is not what a later look would find. The thread sanitizer knows no fences.
  if constexpr (!is_thread_sanitized) std::atomic_thread_fence(std::memory_order_acquire);
  if (control.sleeps.load() != sleeps) return std::nullopt;  // it may have been another one
  const std::uint32_t held = arrivals(wait_word(arena.cell_at(wait.cell)));
  if (holds(WaitCmp::reached, held, wait.target)) return std::nullopt;
  return StandingCore{.rank = rank,
                      .waits_for_signal = true,
                      .what = wait.what,
                      .file = wait.file,
                      .line = wait.line,
                      .cmp = WaitCmp::reached,
                      .wanted = wait.target,
                      .held = held};
}

}  // namespace

std::optional<StandingCore> find_sleep(const ShmArena& arena, int rank) {
  const std::uint32_t sleeps = arena.rank(rank).sleeps.load();
  if (sleeps % 2 == 0) return std::nullopt;
  return standing(arena, rank, sleeps);
}

// When all sleep, each of them in one wait from the first look at it to the second, nobody has
// notified in between or ever will.
std::vector<StandingCore> find_deadlock(const ShmArena& arena, const std::vector<int>& ranks) {
  std::vector<std::uint32_t> sleeps;
  for (int rank : ranks) {
    sleeps.push_back(arena.rank(rank).sleeps.load());
    if (sleeps.back() % 2 == 0) return {};
  }
  std::vector<StandingCore> result;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    const std::optional<StandingCore> core = standing(arena, ranks[i], sleeps[i]);
    if (!core) return {};
    result.push_back(*core);
  }
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (arena.rank(ranks[i]).sleeps.load() != sleeps[i]) return {};
  }
  return result;
}

}  // namespace peal
