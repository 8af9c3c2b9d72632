// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "peal/checks/findings.h"
#include "peal/checks/flag_order.h"
#include "peal/machine/event.h"

namespace peal {

// The event flags of every core. One bit for each (from, to, id): setting it again when nothing
// makes that come after the wait for it, or leaving it set at a kernel's end, is an error. Two
// fences from one pipe with one id and different waiting pipes must not be alive at once; a fence
// lives, in program order, from its set_flag to its wait_flag.
class FlagCheck {
 public:
  FlagCheck(Findings& findings, bool identity_without_waiter)
      : findings_(findings), identity_without_waiter_(identity_without_waiter) {}

  void set(const Event& event, PlaceId place);
  // Returns the place of the set_flag that it waited for.
  std::optional<PlaceId> wait(const Event& event);
  // Any other event.
  void follow(const Event& event) { core(event.core).order.follow(event); }
  // Ends a kernel on a core: no flag may be left set.
  void end(const Event& event);

 private:
  struct Fence {
    std::uint32_t set = 0, wait = 0;  // in program order
    PlaceId place = 0;                // of the set_flag
  };
  struct Flag {
    std::uint32_t alive = 0;  // set and not waited for
    Fence current;            // the oldest of those
    Fence last;               // the last one that was waited for
    std::uint32_t known = 0;  // the number of its Known; 0 before it is set
  };
  // What is known of the pipes where a flag was set last, and where it was waited for last.
  struct Known {
    FlagOrder::Counts at_set{}, at_wait{};
  };
  struct CoreFlags {
    std::vector<Flag> flags;
    FlagOrder order;
    std::vector<Known> known{{}};
  };
  static constexpr std::size_t flags_of_a_core = pipe_count * pipe_count * 8;
  [[nodiscard]] CoreFlags& core(int number);
  [[nodiscard]] static Flag& flag(CoreFlags& core, int from, int id, int to);
  void check_reuse(const Event& event, int from, const Fence& fence);
  void report(FindingClass kind, const Event& event, const std::string& flag, PlaceId first,
              PlaceId second, const char* second_does, const char* reason);

  Findings& findings_;
  bool identity_without_waiter_;
  std::vector<std::unique_ptr<CoreFlags>> cores_;
};

}  // namespace peal
