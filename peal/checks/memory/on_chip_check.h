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

// The on-chip memory of every core: two pipes on the same bytes, one of them writing, must be
// ordered by a flag or barrier; and what is read must have been written. Order within a core is
// known at once.
class OnChipCheck {
 public:
  OnChipCheck(Findings& findings, const MemoryRegions& regions)
      : findings_(findings), regions_(regions) {}

  void add_core() { histories_.emplace_back(false); }
  // What an instruction or a scalar access touches, of which only on-chip memory counts.
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
