// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/wait/deadlock.h"

#include <atomic>
#include <optional>

#include "peal/base/sanitizers.h"
#include "peal/executors/shm/wait/signal_owner_state.h"

namespace peal {
namespace {

// The wait that the rank has published under the odd sequence number `sleeps`; nullopt if that wait
// is over or its target is reached.
std::optional<StandingCore> standing(const ShmArena& arena, int rank, std::uint32_t sleeps) {
  const RankControl& control = arena.rank(rank);
  const SleepingWait wait = control.wait;
  // A seqlock: the rank writes `wait` only while `sleeps` is even. The copy is of one wait if
  // `sleeps` is still the same; the fence keeps that second load behind the copy. The thread
  // sanitizer does not support fences.
  if constexpr (!is_thread_sanitized) std::atomic_thread_fence(std::memory_order_acquire);
  if (control.sleeps.load() != sleeps) return std::nullopt;
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

// Three passes over the ranks: 1 loads each sequence number `sleeps`, 2 loads each wait and the
// count that it is for, 3 loads each `sleeps` again. The result is a deadlock if in pass 1 all
// numbers are odd, in pass 2 all counts are below their targets, and in pass 3 all numbers are as
// they were in pass 1. Proof:
//   a. `sleeps` only grows. A number that is the same odd one in passes 1 and 3 means that the rank
//      was inside of one and the same wait from its load in pass 1 to its load in pass 3. Those
//      intervals all contain pass 2. So throughout pass 2 every rank is inside of its wait, and
//      executes no notify.
//   b. What a rank notified before its wait is visible in pass 2: its seq_cst addition to `sleeps`
//      comes after those notifies in program order and is a release, and pass 1 has read it with
//      acquire.
//   c. By a and b, no count changes during pass 2, and the counts that it loads are complete. Each
//      is below its target.
//   d. A wait of these ranks can only be ended by a notify from one of these ranks (the caller's
//      precondition). The first of them to leave its wait would need a notify from one that has
//      left before. So none ever leaves, except through a time limit or a failure.
// A count that a notify has completed while its waiter has not woken up yet fails in pass 2.
std::vector<StandingCore> find_deadlock(const ShmArena& arena, const std::vector<int>& ranks) {
  // Pass 1.
  std::vector<std::uint32_t> sleeps;
  for (int rank : ranks) {
    sleeps.push_back(arena.rank(rank).sleeps.load());
    if (sleeps.back() % 2 == 0) return {};
  }
  // Pass 2.
  std::vector<StandingCore> result;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    const std::optional<StandingCore> core = standing(arena, ranks[i], sleeps[i]);
    if (!core) return {};
    result.push_back(*core);
  }
  // Pass 3.
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (arena.rank(ranks[i]).sleeps.load() != sleeps[i]) return {};
  }
  return result;
}

}  // namespace peal
