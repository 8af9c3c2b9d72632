// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "peal/chip/agenda.h"

namespace peal {

// Takes the earliest step, and of steps at the same time the one added first. A radix heap (Ahuja,
// Mehlhorn, Orlin and Tarjan 1990): a step lies in the bucket of the highest bit in which its time
// differs from `last_`. That works because the queue is monotone: no step is added before the time
// of the last one taken. So a lower bucket holds only earlier times, and bucket 0 only `last_`.
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
  std::uint64_t last_ = 0;      // the time of the steps in bucket 0
  std::size_t taken_ = 0;       // the number of steps taken from the front of bucket 0
};

}  // namespace peal
