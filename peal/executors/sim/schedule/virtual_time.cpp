// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/schedule/virtual_time.h"

#include <algorithm>
#include <bit>

#include "peal/base/error.h"

namespace peal {

void ScheduleVirtualTime::add(Picoseconds time, StepId step) {
  const auto key = static_cast<std::uint64_t>(time);
  PEAL_CHECK(key >= last_);
  const auto bucket = static_cast<std::size_t>(std::bit_width(key ^ last_));
  buckets_[bucket].push_back({key, step});
  if (bucket != 0) occupied_ |= std::uint64_t{1} << (bucket - 1);
}

bool ScheduleVirtualTime::take(Picoseconds& time, StepId& step) {
  std::vector<Entry>& earliest = buckets_[0];
  if (taken_ == earliest.size()) {
    earliest.clear();
    taken_ = 0;
    if (occupied_ == 0) return false;
    refill(static_cast<std::size_t>(std::countr_zero(occupied_)) + 1);
  }
  time = static_cast<Picoseconds>(earliest[taken_].time);
  step = earliest[taken_].step;
  ++taken_;
  return true;
}

// Sets last_ to the earliest time in the lowest occupied bucket, and redistributes that bucket. Its
// times agree with each other in the bucket's bit and above, so all of them move to lower buckets.
void ScheduleVirtualTime::refill(std::size_t bucket) {
  std::vector<Entry>& entries = buckets_[bucket];
  const auto earlier = [](const Entry& a, const Entry& b) { return a.time < b.time; };
  last_ = std::min_element(entries.begin(), entries.end(), earlier)->time;
  for (const Entry& entry : entries) {
    const auto to = static_cast<std::size_t>(std::bit_width(entry.time ^ last_));
    buckets_[to].push_back(entry);
    if (to != 0) occupied_ |= std::uint64_t{1} << (to - 1);
  }
  entries.clear();
  occupied_ &= ~(std::uint64_t{1} << (bucket - 1));
}

}  // namespace peal
