// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "peal/base/random.h"
#include "peal/chip/agenda.h"

namespace peal {

// Probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi and Nagarakatte 2010): each
// scalar unit and each pipe has a random priority, and the enabled step of the highest priority is
// taken. Each store and notify in flight draws a priority of its own. A preemption, at one step in
// 256 on average, gives whatever would be next a priority below all others.
class ScheduleFewPreemptions final : public Agenda {
 public:
  explicit ScheduleFewPreemptions(std::uint64_t seed) : random_(seed) {}

  void add(Picoseconds time, StepId step) override;
  bool take(Picoseconds& time, StepId& step) override;

 private:
  struct Entry {
    std::uint64_t priority;
    std::uint64_t number;  // in the order of add(); the earlier one wins a tie
    Picoseconds time;
    StepId step;
    bool operator<(const Entry& other) const {
      return priority != other.priority ? priority < other.priority : number > other.number;
    }
  };
  [[nodiscard]] std::uint64_t priority_of(StepId step);

  std::vector<Entry> heap_;
  std::unordered_map<std::uint32_t, std::uint64_t> priorities_;  // by StepId
  std::uint64_t added_ = 0, lowest_ = UINT64_C(1) << 32;
  Picoseconds last_ = 0;
  Random random_;
};

}  // namespace peal
