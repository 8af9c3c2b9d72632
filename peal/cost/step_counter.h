// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "peal/run/event.h"

namespace peal {

// Counts the steps of a run: the longest chain of notifies in which each was issued after its
// notifier had waited for the one before. Arrivals at a cell are consumed in their order.
class StepCounter final : public EventReader {
 public:
  void read(const Event& event) override;

  [[nodiscard]] std::int64_t steps() const { return longest_; }

 private:
  using Cell = std::uint64_t;  // its address
  std::int64_t& depth(int core);

  std::vector<std::int64_t> depths_;  // of each core: the steps before its next instruction
  std::map<std::pair<int, Cell>, std::deque<std::int64_t>> under_way_;  // of each notifier
  std::map<Cell, std::deque<std::int64_t>> arrived_;
  std::int64_t longest_ = 0;
};

}  // namespace peal
