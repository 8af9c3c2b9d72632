// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <utility>

#include "peal/executors/shm/rank_device.h"
#include "peal/machine/barrier.h"

// How a team is divided. Every rank of the team calls split(), and each call does these steps:
//   1. Allocate a new SplitWindow, zeroed, at the same offset on every rank.
//   2. Write the own color and key into it.
//   3. Barrier: after it every rank's entry is visible to every rank.
//   4. Compute the members of the own color from all entries. All members compute the same list in
//      the same order, so no further message is needed to agree.
//   5. Join the new team, whose list of allocations is the chunk in its first member's window.
// No entry is overwritten while a slow rank still reads it in step 4: each split has a window of
// its own, which is not freed before the run ends. For the same reason the chunk of step 5 is zero
// when the first member allocates, and belongs to this team alone.

namespace peal {
namespace {

// What a rank publishes in a split. `allocations` is in use only if the rank is the first member of
// its new team.
struct SplitWindow {
  SplitEntry entry;
  AllocationChunk allocations;
};

}  // namespace

ShmDevice::ShmDevice(std::unique_ptr<ShmMembership> membership, const Settings& settings,
                     RankCounts& counts)
    : Device(membership->rank(), membership->ranks()),
      owned_(std::move(membership)),
      membership_(*owned_),
      settings_(settings),
      counts_(counts) {}

std::unique_ptr<Device> ShmDevice::do_split(const SplitEntry& own, SourcePlace place) {
  if (!split_rounds_) split_rounds_ = do_allocate_signals("split", barrier_rounds(ranks()));
  // Step 1.
  std::byte* const window = membership_.allocate("split", sizeof(SplitWindow));
  const auto shown_by = [&](int rank) -> SplitWindow& {
    return *reinterpret_cast<SplitWindow*>(window + membership_.shift(rank));
  };
  shown_by(rank()).entry = own;           // step 2
  barrier(*this, *split_rounds_, place);  // step 3
  if (own.color < 0) return nullptr;
  // Step 4.
  std::vector<SplitEntry> entries;
  for (int rank = 0; rank < ranks(); ++rank) entries.push_back(shown_by(rank).entry);
  const std::vector<int> members = ranks_of_color(entries, own.color);
  std::vector<int> parts;
  for (int rank : members) {
    parts.push_back(membership_.parts()[static_cast<std::size_t>(rank)]);
  }
  // Step 5.
  const auto self = std::find(members.begin(), members.end(), rank());
  auto membership = std::make_unique<ShmMembership>(
      membership_.arena(),
      ShmMembership::Settings{.parts = std::move(parts),
                              .rank = static_cast<int>(self - members.begin()),
                              .allocations = shown_by(members.front()).allocations,
                              .watch = membership_.watch(),
                              .policy = membership_.policy(),
                              .has_tasks = membership_.has_tasks(),
                              .whole = &membership_});
  return std::make_unique<ShmDevice>(std::move(membership), settings_, counts_);
}

}  // namespace peal
