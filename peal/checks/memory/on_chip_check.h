// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <span>

#include "peal/checks/findings.h"
#include "peal/checks/memory/access_history.h"
#include "peal/checks/memory/memory_regions.h"
#include "peal/checks/order/core_order.h"
#include "peal/run/event.h"

namespace peal {

// Race detection for the on-chip memory of every core: two pipes that access the same bytes, at
// least one of them writing, must be ordered by a flag or barrier; and what is read must have been
// written. Only the order within one core matters, so each access is judged at once.
class OnChipCheck {
 public:
  OnChipCheck(Findings& findings, const MemoryRegions& regions)
      : findings_(findings), regions_(regions) {}

  void add_core() { histories_.emplace_back(false); }
  // A task begins on a core: what earlier tasks have left in its on-chip memory counts as
  // unwritten, since it depends on what the core happened to run before. Their instructions have
  // all been executed, so no order is lost.
  void begin_task(std::size_t core) { histories_[core].clear(); }
  // Judges what an instruction or scalar access touches; areas outside on-chip memory are ignored.
  void access(const Event& event, const CoreOrder::Start& start, SourceId place,
              std::span<const Footprint> touched, bool writes);

 private:
  void conflict(const Event& event, const Access& earlier, const Access& access,
                std::uint64_t begin, std::uint64_t end);
  void unwritten(const Event& event, const Access& access, std::uint64_t begin, std::uint64_t end);

  Findings& findings_;
  const MemoryRegions& regions_;
  std::deque<AccessHistory> histories_;  // of each core
};

}  // namespace peal
