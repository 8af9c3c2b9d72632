// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/team_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "peal/base/error.h"
#include "peal/executors/shm/standstill.h"

namespace peal {
namespace {

constexpr std::size_t most_ranks_named = 16;

// Whether nobody but one rank runs any more, and so nobody can notify it.
bool is_last(const ShmArena& arena) {
  int running = 0;
  for (int rank = 0; rank < arena.ranks(); ++rank) {
    if (arena.rank(rank).state.load() != RankState::finished) ++running;
  }
  return running <= 1;
}

std::string describe(const std::vector<StandingCore>& standing, int ranks) {
  std::string text = describe_standstill(standing, ranks, most_ranks_named);
  const bool is_one_place = std::all_of(standing.begin(), standing.end(), [&](const auto& core) {
    return core.file == standing.front().file;
  });
  if (!is_one_place) {
    text +=
        "\n  they are in different calls: make the same calls on every rank, each with buffers in "
        "windows on all ranks or on none";
  }
  return text;
}

}  // namespace

void ShmTeamWatch::before_sleep(const WaitWord& word, std::uint32_t target, SourcePlace place) {
  check_others(word, target, place);
  // Most waits end before a whole sleep has passed, and have nothing to do with the rest.
  if (!std::exchange(has_slept_, true)) return;
  show_sleep(word, target, place);
  check_standstill();
}

void ShmTeamWatch::after_sleeps() {
  has_slept_ = false;
  ShmWatch::after_sleeps();
}

void ShmTeamWatch::check_others(const WaitWord& word, std::uint32_t target,
                                SourcePlace place) const {
  if (const std::optional<std::string> why = failure()) {
    throw RunError(
        fmt::format("{}, so the wait at {}:{} is in vain", *why, place.file, place.line));
  }
  if (!is_last(arena())) return;
  const auto missing = static_cast<std::int32_t>(target - arrivals(word));
  if (missing <= 0) return;
  throw RunError(
      fmt::format("deadlock: the wait at {}:{} has {} arrivals too few, and every other "
                  "rank has finished",
                  place.file, place.line, missing));
}

void ShmTeamWatch::check_standstill() const {
  std::vector<int> left;
  for (int rank = 0; rank < arena().ranks(); ++rank) {
    const RankState state = arena().rank(rank).state.load();
    if (state == RankState::running) left.push_back(rank);
    // One that is still to come may wake the others.
    if (state != RankState::running && state != RankState::finished) return;
  }
  const std::vector<StandingCore> standing = find_standstill(arena(), left);
  if (!standing.empty()) throw RunError(describe(standing, arena().ranks()));
}

}  // namespace peal
