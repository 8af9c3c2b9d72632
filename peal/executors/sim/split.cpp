// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "peal/base/error.h"
#include "peal/executors/sim/rank_device.h"
#include "peal/machine/barrier.h"

// Splits a team by color.

namespace peal {

// The ranks exchange their entries through host memory, not simulated memory, because a run without
// values moves no data. That is safe:
// 1. Every rank writes only its own entry, and does so before it enters the barrier.
// 2. It reads the others' entries only after the barrier, so all of them are there. A barrier that
//    was skipped on purpose (RunOptions::skipped) is detected in team_of() by a missing entry.
// 3. Ranks make their splits in the same order, so a split has the same index `splits_` on each.
// 4. All ranks share one thread, so the first one past the barrier makes the new team's state, and
//    the others find it.
std::unique_ptr<Device> SimDevice::do_split(const SplitEntry& own, SourcePlace place) {
  return in_verb([&]() -> std::unique_ptr<Device> {
    if (!split_rounds_) split_rounds_ = do_allocate_signals("split", barrier_rounds(ranks()));
    const std::size_t number = splits_++;
    if (run_.splits.size() == number) {
      run_.splits.push_back(
          {.entries = std::vector<std::optional<SplitEntry>>(static_cast<std::size_t>(ranks()))});
    }
    SimRun::Split& split = run_.splits[number];
    split.entries[static_cast<std::size_t>(rank())] = own;
    barrier(*this, *split_rounds_, place);
    if (own.color < 0) return nullptr;
    SimRun& team = team_of(split, own.color);
    const auto self = std::find(team.in_whole.begin(), team.in_whole.end(), rank());
    return std::make_unique<SimDevice>(team, core_, static_cast<int>(self - team.in_whole.begin()),
                                       static_cast<int>(team.parts.size()), &tiles_);
  });
}

SimRun& SimDevice::team_of(SimRun::Split& split, int color) {
  std::vector<SplitEntry> entries;
  for (std::size_t rank = 0; rank < split.entries.size(); ++rank) {
    if (!split.entries[rank]) {  // the barrier was skipped
      throw RunError(
          fmt::format("split on rank {}: rank {} has not come, though a barrier was passed",
                      this->rank(), rank));
    }
    entries.push_back(*split.entries[rank]);
  }
  std::unique_ptr<SimRun>& team = split.teams[color];
  if (team != nullptr) return *team;
  team = std::make_unique<SimRun>(SimRun{.fabric = run_.fabric,
                                         .windows = run_.windows,
                                         .options = run_.options,
                                         .foreseen = run_.foreseen,
                                         .parts = {},
                                         .regions = run_.regions,
                                         .whole = &run_,
                                         .in_whole = ranks_of_color(entries, color)});
  for (int rank : team->in_whole) {
    team->parts.push_back(run_.parts[static_cast<std::size_t>(rank)]);
  }
  return *team;
}

}  // namespace peal
