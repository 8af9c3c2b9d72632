// SPDX-License-Identifier: Apache-2.0
#include "peal/cost/step_counter.h"

#include <algorithm>

#include "peal/base/error.h"

namespace peal {

std::int64_t& StepCounter::depth(int core) {
  const auto index = static_cast<std::size_t>(core);
  if (index >= depths_.size()) depths_.resize(index + 1);
  return depths_[index];
}

void StepCounter::read(const Event& event) {
  if (event.kind == EventKind::notify) {
    under_way_[{event.core, event.address}].push_back(depth(event.core) + 1);
  } else if (event.kind == EventKind::notify_arrived) {
    std::deque<std::int64_t>& notifies = under_way_[{event.core, event.address}];
    PEAL_CHECK(!notifies.empty());
    for (std::int64_t n = 0; n < event.value; ++n) {
      arrived_[event.address].push_back(notifies.front());
    }
    notifies.pop_front();
  } else if (event.kind == EventKind::wait) {
    std::deque<std::int64_t>& arrivals = arrived_[event.address];
    std::int64_t& own = depth(event.core);
    for (std::int64_t n = 0; n < event.value; ++n) {
      PEAL_CHECK(!arrivals.empty());
      own = std::max(own, arrivals.front());
      arrivals.pop_front();
    }
    longest_ = std::max(longest_, own);
  }
}

}  // namespace peal
