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

// The event flags of every core. One bit for each (from, to, id): setting it again when nothing
// makes that come after the wait for it, or leaving it set at a kernel's end, is an error. Two
// fences from one pipe with one id and different waiting pipes must not be alive at once; a fence
// lives, in program order, from its set_flag to its wait_flag.
class FlagCheck {
 public:
  FlagCheck(Findings& findings, bool identity_without_waiter)
      : findings_(findings), identity_without_waiter_(identity_without_waiter) {}

  void set(const Event& event, SourceId place);
  // Returns the place of the set_flag that it waited for.
  std::optional<SourceId> wait(const Event& event);
  // Any other event.
  void follow(const Event& event) { core(event.core).order.follow(event); }
  // Ends a kernel on a core: no flag may be left set.
  void end(const Event& event);

 private:
  struct Fence {
    std::uint32_t set = 0, wait = 0;  // in program order
    SourceId place = 0;               // of the set_flag
  };
  struct Flag {
    int from = 0, to = 0, id = 0;
    std::uint32_t alive = 0;  // set and not waited for
    Fence current;            // the oldest of those
    Fence last;               // the last one that was waited for
    // What is known of the pipes where it was set last, and where it was waited for last.
    FlagOrder::Counts at_set{}, at_wait{};
  };
  static constexpr std::size_t flags_of_a_core = pipe_count * pipe_count * 8;
  struct CoreFlags {
    std::array<std::uint16_t, flags_of_a_core> slots{};  // in `flags`; 0: it was never set
    std::vector<Flag> flags{{}};
    std::array<std::uint16_t, pipe_count * 8> waiters{};  // of each (from, id): bits of pipes
    FlagOrder order;
  };
  [[nodiscard]] CoreFlags& core(int number) {
    const auto index = static_cast<std::size_t>(number);
    return index < cores_.size() ? *cores_[index] : add_core(number);
  }
  CoreFlags& add_core(int number);
  [[nodiscard]] static std::uint16_t& slot(CoreFlags& core, int from, int id, int to) {
    return core.slots[static_cast<std::size_t>((from * 8 + id) * pipe_count + to)];
  }
  void check_reuse(const Event& event, int from, const Fence& fence);
  void report(FindingClass kind, const Event& event, const std::string& flag, SourceId first,
              SourceId second, const char* second_does, const char* reason);

  Findings& findings_;
  bool identity_without_waiter_;
  std::vector<std::unique_ptr<CoreFlags>> cores_;
};

}  // namespace peal
