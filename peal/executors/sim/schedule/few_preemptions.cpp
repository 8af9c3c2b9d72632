// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/schedule/few_preemptions.h"

#include <algorithm>

namespace peal {
namespace {

// The mean number of steps between two preemptions.
constexpr std::uint64_t steps_per_preemption = 256;

}  // namespace

std::uint64_t ScheduleFewPreemptions::priority_of(StepId step) {
  const std::uint64_t drawn = (std::uint64_t{1} << 32) + random_.below(std::uint64_t{1} << 31);
  if (step.kind() == StepId::Kind::visible || step.kind() == StepId::Kind::arrival) return drawn;
  return priorities_.try_emplace(step.bits, drawn).first->second;
}

void ScheduleFewPreemptions::add(Picoseconds time, StepId step) {
  heap_.push_back({priority_of(step), added_++, time, step});
  std::push_heap(heap_.begin(), heap_.end());
}

bool ScheduleFewPreemptions::take(Picoseconds& time, StepId& step) {
  if (heap_.empty()) return false;
  std::pop_heap(heap_.begin(), heap_.end());
  if (heap_.size() > 1 && random_.below(steps_per_preemption) == 0) {
    Entry& behind = heap_.back();
    behind.priority = --lowest_;
    const bool stays =
        behind.step.kind() == StepId::Kind::scalar || behind.step.kind() == StepId::Kind::pipe;
    if (stays) priorities_[behind.step.bits] = behind.priority;
    std::push_heap(heap_.begin(), heap_.end());
    std::pop_heap(heap_.begin(), heap_.end());
  }
  time = last_ = std::max(last_, heap_.back().time);
  step = heap_.back().step;
  heap_.pop_back();
  return true;
}

}  // namespace peal
