// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/schedule/random.h"

#include <algorithm>

namespace peal {

bool ScheduleRandom::take(Picoseconds& time, StepId& step) {
  if (enabled_.empty()) return false;
  Entry& drawn = enabled_[random_.below(enabled_.size())];
  time = last_ = std::max(last_, drawn.time);
  step = drawn.step;
  drawn = enabled_.back();
  enabled_.pop_back();
  return true;
}

}  // namespace peal
