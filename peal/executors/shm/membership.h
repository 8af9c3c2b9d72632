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

// Two ranks' allocations that should be one and are not.
class UnlikeAllocation : public Error {
 public:
  UnlikeAllocation(const std::string& text, int rank) : Error(text), rank_(rank) {}
  // The one that has come first.
  [[nodiscard]] int rank() const { return rank_; }

 private:
  int rank_;
};

// A rank's place in a team, which is all or some of those who share an arena: where the memory of
// each member lies, and what of its own memory the others can address.
class ShmMembership {
 public:
  struct Settings {
    std::vector<int> parts;  // of the arena, by rank
    int rank = 0;
    // The list of what the members allocate; all zero at first, and the team's alone.
    AllocationChunk& allocations;
    ShmWatch& watch;
    WaitPolicy policy;
    // Members that carry out tasks may be given memory in a window by one and other memory by
    // another; only what is known to lie in windows on all of them counts as such.
    bool has_tasks = false;
    // Of a team that is a part of another one: that one, whose windows its members can address,
    // too.
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

  // What the task that this member carries out is given.
  void set_arguments(std::span<const TaskArgument> arguments) { arguments_ = arguments; }
  // Whether it lies in a window of this member's, as its counterparts do on all others.
  [[nodiscard]] bool is_in_windows(const View& view) const {
    return has_tasks_ ? lies_in_windows(arguments_, view) : holds(view.data, view.size_bytes());
  }

  // From an address of this rank's to the same place of a peer's.
  [[nodiscard]] std::ptrdiff_t shift(int peer) const {
    return shifts_[static_cast<std::size_t>(peer)];
  }
  // Whether peers can address these bytes of this rank's.
  [[nodiscard]] bool holds(const std::byte* data, std::size_t size_bytes) const {
    return is_in(last_, data, size_bytes) || holds_any(data, size_bytes);
  }

  // Zeroed memory at the same place of every member, who all make the same allocations in the same
  // order; the first that comes decides where. Throws Error when they are not the same, or when the
  // memory does not suffice.
  // Its signals, if any, are so many bytes apart.
  [[nodiscard]] std::byte* allocate(std::string_view name, std::size_t size_bytes,
                                    std::size_t signal_stride = sizeof(SignalCell));
  // Peers can address these bytes of this rank's, too.
  void add_window(std::string_view name, std::byte* data, std::size_t size_bytes,
                  std::size_t signal_stride = sizeof(SignalCell));
  // "`row[3]`" of a signal in a window, by its number; "a signal" of any other.
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
  std::vector<Range> ranges_;  // what lies side by side is one
  mutable Range last_;         // that was asked for
  const ShmMembership* whole_;
  std::shared_ptr<Windows> windows_;  // those of all teams that a team is divided into
};

// All ranks of an arena as a team.
[[nodiscard]] ShmMembership::Settings whole_team(const ShmArena& arena, int rank, ShmWatch& watch,
                                                 const WaitPolicy& policy);

}  // namespace peal
