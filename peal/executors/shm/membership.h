// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "peal/base/error.h"
#include "peal/executors/shm/memory/arena.h"
#include "peal/executors/shm/wait/waiter.h"
#include "peal/executors/shm/wait/watch.h"
#include "peal/run/task.h"

namespace peal {

// Thrown if two ranks make different allocations where a symmetric one is required.
class UnlikeAllocation : public UsageError {
 public:
  UnlikeAllocation(const std::string& text, int rank) : UsageError(text), rank_(rank) {}
  // The rank that came first.
  [[nodiscard]] int rank() const { return rank_; }

 private:
  int rank_;
};

// A rank's membership in a team, which is all or some of the ranks of an arena: it knows the part
// of each member, makes symmetric allocations, and tells which of the rank's memory peers can
// address.
class ShmMembership {
 public:
  struct Settings {
    std::vector<int> parts;  // each member's part of the arena, by its rank in the team
    int rank = 0;
    // The team's list of allocations, zero at first. No other team may use it.
    AllocationChunk& allocations;
    ShmWatch& watch;
    WaitPolicy policy;
    // True if the team runs tasks. One member may then get an argument in a window where another
    // gets private memory, so only arguments that are in windows on all members count as such.
    bool has_tasks = false;
    // For a team that was split from another one: the latter, whose windows stay addressable.
    const ShmMembership* whole = nullptr;
  };
  ShmMembership(const ShmArena& arena, Settings settings);
  ShmMembership(const ShmMembership&) = delete;
  ShmMembership& operator=(const ShmMembership&) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int ranks() const { return static_cast<int>(parts_.size()); }
  [[nodiscard]] const ShmArena& arena() const { return arena_; }
  [[nodiscard]] const std::vector<int>& parts() const { return parts_; }
  [[nodiscard]] ShmWatch& watch() const { return watch_; }
  [[nodiscard]] const WaitPolicy& policy() const { return policy_; }
  [[nodiscard]] bool has_tasks() const { return has_tasks_; }

  // Sets the arguments of the task that this member runs now.
  void set_arguments(std::span<const TaskArgument> arguments) { arguments_ = arguments; }
  // True if the view lies in a window on this and, at the same offset, on every other member.
  [[nodiscard]] bool is_in_windows(const ConstView& view) const {
    return has_tasks_ ? lies_in_windows(arguments_, view) : holds(view.data, view.size_bytes());
  }

  // The distance in bytes from an address of this rank to the same place of the peer's.
  [[nodiscard]] std::ptrdiff_t shift(int peer) const {
    return shifts_[static_cast<std::size_t>(peer)];
  }
  // True if peers can address these bytes of this rank.
  [[nodiscard]] bool holds(const std::byte* data, std::size_t size_bytes) const {
    return is_in(last_, data, size_bytes) || holds_any(data, size_bytes);
  }

  // Returns this rank's instance of a symmetric allocation: zeroed, prefaulted, at the same offset
  // on every member. All members make the same allocations in the same order; the first to come
  // decides the offset, the others compare. `signal_stride` is the distance between signals in it,
  // for their names in reports. Throws UnlikeAllocation if name or size differ, Error if the memory
  // does not suffice, and RunError if the first member fails or does not finish in time.
  [[nodiscard]] std::byte* allocate(std::string_view name, std::size_t size_bytes,
                                    std::size_t signal_stride = sizeof(SignalCell));
  // Adds memory of this rank that peers can address from now on.
  void add_window(std::string_view name, std::byte* data, std::size_t size_bytes,
                  std::size_t signal_stride = sizeof(SignalCell));
  // A signal's name for reports, such as "`row[3]`"; "a signal" if it is in no known window.
  [[nodiscard]] std::string name_of(const SignalCell* signal) const;

 private:
  struct Range {
    const std::byte* begin = nullptr;
    std::size_t size_bytes = 0;
  };
  struct Window {
    std::string name;
    Range range;
    std::size_t signal_stride = sizeof(SignalCell);
  };
  using Windows = std::vector<Window>;
  [[nodiscard]] static bool is_in(const Range& range, const std::byte* data,
                                  std::size_t size_bytes) {
    const auto offset =
        reinterpret_cast<std::uintptr_t>(data) - reinterpret_cast<std::uintptr_t>(range.begin);
    return offset < range.size_bytes && size_bytes <= range.size_bytes - offset;
  }
  [[nodiscard]] bool holds_any(const std::byte* data, std::size_t size_bytes) const;
  [[nodiscard]] AllocationRecord& next_record();
  void decide(AllocationRecord& record, std::string_view name, std::size_t size_bytes);
  void compare(const AllocationRecord& record, std::string_view name, std::size_t size_bytes) const;
  void wait_for(const AllocationRecord& record, std::string_view name) const;

  const ShmArena& arena_;
  std::vector<int> parts_;
  int rank_;
  std::vector<std::ptrdiff_t> shifts_;
  ShmWatch& watch_;
  WaitPolicy policy_;
  bool has_tasks_;
  std::span<const TaskArgument> arguments_;
  AllocationChunk* chunk_;
  std::size_t allocations_ = 0;
  std::vector<Range> ranges_;  // the windows; adjacent ones are merged
  mutable Range last_;         // a cache: the range that holds() found last
  const ShmMembership* whole_;
  std::shared_ptr<Windows> windows_;  // shared with all teams that are split from this one
};

// The settings of the team of all ranks of an arena.
[[nodiscard]] ShmMembership::Settings whole_team(const ShmArena& arena, int rank, ShmWatch& watch,
                                                 const WaitPolicy& policy);

}  // namespace peal
