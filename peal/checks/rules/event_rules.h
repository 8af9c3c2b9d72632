// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "peal/checks/memory/memory_regions.h"
#include "peal/run/event.h"

namespace peal {

// The invariants of an event stream. Readers of events rely on them without checking: indices are
// in range, sizes do not overflow, and an event comes after the one it refers to. A run of Peal
// keeps them; a file may be damaged or hostile, so each of its events is validated here first.
//
// This folder holds the checks that need no order between cores. Read next: flag_check.h with
// flag_order.h (event flags of one core), deadlock_finding.h, synchronisations.h.
class EventRules {
 public:
  explicit EventRules(int ranks) : ranks_(ranks) {}

  // Limits of a recorded run. The checks keep a vector clock of all cores for each core, so memory
  // grows with the square of the number of cores.
  static constexpr int max_ranks = 65536;
  static constexpr std::size_t max_cores = 8192;

  // What is wrong with the next event, given the valid ones before it; nullptr if it is valid. Only
  // a valid event changes the state.
  [[nodiscard]] const char* violated_by(const Event& event);

 private:
  struct Core {
    int rank = 0;
    std::uint32_t ordering = 0;        // its events so far for which orders() holds
    std::uint32_t drained = 0;         // the value of `ordering` at its last barrier of all pipes
    std::uint64_t begin = 0, end = 0;  // its on-chip memory
  };

  [[nodiscard]] const char* violated_by_region(const Event& event) const;
  [[nodiscard]] const char* violated_by_footprints(const Event& event, const Core& core) const;
  [[nodiscard]] const char* violated_by_contribution(const Event& event) const;
  [[nodiscard]] const char* violated_by_pipes(const Event& event, const Core& core) const;
  [[nodiscard]] const char* violated_by_kind(const Event& event) const;
  void remember(const Event& event);

  int ranks_;
  std::vector<Core> cores_;
  std::set<int> ranks_with_cores_;
  MemoryRegions regions_;
  std::set<std::int64_t> ended_tasks_;
  bool has_begun_ = false;   // an event other than a region has come
  std::uint64_t calls_ = 0;  // an upper bound of the call number: contributions, expectations
  std::uint64_t cached_bytes_ = 0;  // accessed through scalar caches so far
  std::uint64_t events_ = 0;
};

}  // namespace peal
