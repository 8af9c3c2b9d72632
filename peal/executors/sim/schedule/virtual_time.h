// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "peal/chip/agenda.h"

namespace peal {

// The earliest step first, and of those of one time the one that was added first. A radix heap
// (Ahuja, Mehlhorn, Orlin and Tarjan 1990): steps lie in the bucket of the highest bit in which
// their time differs from that of the last step taken, which works because no step is added before
// that time.
class ScheduleVirtualTime final : public Agenda {
 public:
  void add(Picoseconds time, StepId step) override;
  bool take(Picoseconds& time, StepId& step) override;

 private:
  struct Entry {
    std::uint64_t time;
    StepId step;
  };

  void refill(std::size_t bucket);

  std::array<std::vector<Entry>, 65> buckets_;
  std::uint64_t occupied_ = 0;  // bit b says that bucket b + 1 is not empty
  std::uint64_t last_ = 0;
  std::size_t taken_ = 0;  // of bucket 0, whose steps are of one time and are taken in their order
};

}  // namespace peal
