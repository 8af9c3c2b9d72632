// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/wait/team_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "peal/base/error.h"
#include "peal/executors/shm/wait/call_history.h"
#include "peal/executors/shm/wait/deadlock.h"

namespace peal {
namespace {

constexpr std::size_t max_ranks_named = 16;

// True if all ranks but one at most have finished, so that the caller can get no more notifies.
bool is_last(const ShmArena& arena) {
  int running = 0;
  for (int rank = 0; rank < arena.ranks(); ++rank) {
    if (arena.rank(rank).state.load() != RankState::finished) ++running;
  }
  return running <= 1;
}

// "rank 3" or "ranks 1, 2 and 3"; after max_ranks_named of them, "and 5 more".
std::string list(const std::vector<int>& ranks) {
  const std::size_t named = std::min(ranks.size(), max_ranks_named);
  std::string text = ranks.size() == 1 ? "rank " : "ranks ";
  for (std::size_t i = 0; i < named; ++i) {
    const bool is_last = i + 1 == ranks.size();
    text += (i == 0 ? "" : is_last ? " and " : ", ") + std::to_string(ranks[i]);
  }
  if (named < ranks.size()) text += fmt::format(" and {} more", ranks.size() - named);
  return text;
}

}  // namespace

void ShmTeamWatch::before_sleep(const WaitWord& word, std::uint32_t target, SourcePlace place) {
  check_others(word, target, place);
  // Most waits end during their first sleep: before that one only a flag is set. What the wait is
  // for is published, and a deadlock looked for, before the second.
  show_wait();
  if (!std::exchange(has_slept_, true)) return;
  show_sleep(word, target, place);
  check_deadlock();
}

void ShmTeamWatch::after_sleeps() {
  has_slept_ = false;
  ShmWatch::after_sleeps();
}

void ShmTeamWatch::check_others(const WaitWord& word, std::uint32_t target,
                                SourcePlace place) const {
  if (const std::optional<std::string> why = failure()) {
    if (arena().is_for_all()) throw RunError(*why);
    throw RunError(
        fmt::format("{}, so the wait at {}:{} is in vain", *why, place.file, place.line));
  }
  if (!is_last(arena())) return;
  const auto missing = static_cast<std::int32_t>(target - arrivals(word));
  if (missing <= 0) return;
  throw RunError(
      fmt::format("deadlock: the wait at {}:{}{} has {} arrivals too few, and every other "
                  "rank has finished{}",
                  place.file, place.line, context(), missing, difference()));
}

std::string ShmTeamWatch::difference() const {
  const std::optional<CallPosition> own = position();
  if (!own) return "";
  const std::optional<std::string> text = find_difference(arena(), *own);
  return text ? "\n  " + *text : "";
}

std::string ShmTeamWatch::advice() const {
  std::vector<int> busy;
  for (int rank = 0; rank < arena().ranks(); ++rank) {
    const RankControl& control = arena().rank(rank);
    if (rank == this->rank() || control.state.load() != RankState::running) continue;
    if (!control.waits.load(std::memory_order_acquire)) busy.push_back(rank);
  }
  if (busy.empty()) return WaitWatch::advice();
  return fmt::format("{} {} in no wait: look what {}", list(busy), busy.size() == 1 ? "is" : "are",
                     busy.size() == 1 ? "it does" : "they do");
}

std::string ShmTeamWatch::others() const {
  std::string text = difference();
  std::size_t told = 0;
  for (int rank = 0; rank < arena().ranks() && told < max_ranks_named; ++rank) {
    if (rank == this->rank()) continue;
    const std::optional<StandingCore> core = find_sleep(arena(), rank);
    if (!core) continue;
    ++told;
    text += fmt::format("\n  rank {} {}   {}:{}", rank, core->what, core->file, core->line);
  }
  return text;
}

void ShmTeamWatch::check_deadlock() const {
  std::vector<int> left;
  std::vector<StandingCore> finished;
  for (int rank = 0; rank < arena().ranks(); ++rank) {
    const RankState state = arena().rank(rank).state.load();
    if (state == RankState::running) left.push_back(rank);
    if (state == RankState::finished) {
      finished.push_back({.rank = rank, .is_finished = true, .what = "has finished", .file = ""});
    }
    // A rank that has not started yet may still notify the others; after a failure, check_others()
    // ends the wait.
    if (state != RankState::running && state != RankState::finished) return;
  }
  std::vector<StandingCore> standing = find_deadlock(arena(), left);
  if (standing.empty()) return;
  standing.insert(standing.end(), finished.begin(), finished.end());
  // Several ranks may find the deadlock; all throw the text of the first.
  throw RunError(
      abort(describe_deadlock(standing, arena().ranks(), max_ranks_named) + difference()));
}

}  // namespace peal
