// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "peal/checks/findings.h"
#include "peal/checks/rules/flag_order.h"
#include "peal/run/event.h"

namespace peal {

// Checks the event flags of every core. A flag (from, to, id) is one bit. It is an error to set it
// again unless that is ordered after the wait_flag for it, and to leave it set at a kernel's end. A
// fence is a set_flag with its wait_flag, and is alive between the two in program order. Two fences
// with the same setting pipe and id but different waiting pipes must not be alive at once in any
// schedule, because hardware may identify a flag by (from, id) alone.
class FlagCheck {
 public:
  FlagCheck(Findings& findings, bool identity_without_waiter)
      : findings_(findings), identity_without_waiter_(identity_without_waiter) {}

  // A set_flag at this place; reports flag_left_set if the flag may still be set.
  void set(const Event& event, SourceId place);
  // Returns the place of the set_flag that this wait_flag consumes; nullopt if the flag was not
  // set.
  std::optional<SourceId> wait(const Event& event);
  // Must be called for every event, after set() or wait() if it is one of these.
  void follow(const Event& event) {
    CoreFlags& flags = core(event.core);
    flags.order.follow(event);
    if (event.kind == EventKind::pipe_barrier && event.pipe == Pipe::all) ++flags.barriers;
  }
  // Ends a kernel on a core: no flag may be left set.
  void end(const Event& event);

 private:
  struct Fence {
    std::uint32_t wait = 0;  // its number in program order; 0: not consumed yet
    SourceId place = 0;      // of the set_flag
  };
  struct Flag {
    int from = 0, to = 0, id = 0;
    std::uint32_t alive = 0;  // fences that are alive
    Fence current;            // the oldest of them
    Fence last;               // the last one that was consumed
    // What the setting pipe knew at the last set_flag, and what the waiting pipe knew when it
    // reached the last wait_flag. The next set_flag is ordered after that wait if at_set covers
    // at_wait.
    FlagOrder::Counts at_set{}, at_wait{};
    std::uint32_t barriers = 0;  // of all pipes, before the last wait_flag
  };
  static constexpr std::size_t flags_of_a_core = pipe_count * pipe_count * 8;
  struct CoreFlags {
    std::array<std::uint16_t, flags_of_a_core> slots{};  // index in `flags`; 0: never set
    std::vector<Flag> flags{{}};
    std::array<std::uint16_t, pipe_count * 8> waiters{};  // by (from, id): bit set of waiting pipes
    FlagOrder order;
    std::uint32_t barriers = 0;  // of all pipes, so far
  };
  [[nodiscard]] CoreFlags& core(int number) {
    const auto index = static_cast<std::size_t>(number);
    return index < cores_.size() ? *cores_[index] : add_core(number);
  }
  CoreFlags& add_core(int number);
  [[nodiscard]] static std::uint16_t& slot(CoreFlags& core, int from, int id, int to) {
    return core.slots[static_cast<std::size_t>((from * 8 + id) * pipe_count + to)];
  }
  void check_rivals(const Event& event, const Flag& own);
  void report(FindingClass kind, const Event& event, const std::string& flag, SourceId first,
              SourceId second, const char* second_does, const char* reason);

  Findings& findings_;
  bool identity_without_waiter_;
  std::vector<std::unique_ptr<CoreFlags>> cores_;
};

}  // namespace peal
