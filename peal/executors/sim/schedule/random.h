// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "peal/base/random.h"
#include "peal/chip/agenda.h"

namespace peal {

// Takes any enabled step, uniformly at random from a seed: a legal execution in which anything may
// be delayed. A step's time is the maximum of its own and that of the step before it, so that times
// agree with the order.
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
