// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "peal/base/random.h"
#include "peal/chip/agenda.h"

namespace peal {

// Any enabled step, drawn with a seed: a legal execution in which anything may be late. Times stay
// consistent with the order: a step is never taken before the time of the one before it.
class ScheduleRandom final : public Agenda {
 public:
  explicit ScheduleRandom(std::uint64_t seed) : random_(seed) {}

  void add(Picoseconds time, StepId step) override { enabled_.push_back({time, step}); }
  bool take(Picoseconds& time, StepId& step) override;

 private:
  struct Entry {
    Picoseconds time;
    StepId step;
  };
  std::vector<Entry> enabled_;
  Picoseconds last_ = 0;
  Random random_;
};

}  // namespace peal
