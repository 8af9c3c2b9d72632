// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "peal/checks/memory/memory_regions.h"
#include "peal/run/event.h"

namespace peal {

// What holds of the events of every run, and what readers of events rely on: numbers that index
// something are within it, sizes do not wrap, and an event that refers to another comes after it.
// Events that come from a file are held against this before a reader sees them.
class EventRules {
 public:
  explicit EventRules(int ranks) : ranks_(ranks) {}

  // No run of Peal has more ranks, and no recorded one more cores: what is known of each core about
  // each other takes memory that grows with their square.
  static constexpr int max_ranks = 65536;
  static constexpr std::size_t max_cores = 8192;

  // What is wrong with the event after those that were looked at before, or nullptr. Only an event
  // with which nothing is wrong is remembered.
  [[nodiscard]] const char* violated_by(const Event& event);

 private:
  struct Core {
    int rank = 0;
    std::uint32_t ordering = 0;        // how many of its events order (see `orders`)
    std::uint32_t drained = 0;         // the same before its last barrier of all pipes
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
  bool has_begun_ = false;          // something other than a region has come
  std::uint64_t calls_ = 0;         // contributions and expectations so far
  std::uint64_t cached_bytes_ = 0;  // of accesses through scalar caches
  std::uint64_t events_ = 0;
};

}  // namespace peal
