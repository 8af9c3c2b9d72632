// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "peal/run/event.h"

namespace peal {

// Counts the steps of a run: the length of the longest chain of notifies in which each was issued
// after its issuer had waited for the one before. A wait consumes the arrivals of a signal in the
// order of their arrival.
class StepCounter final : public EventReader {
 public:
  void read(const Event& event) override;

  [[nodiscard]] std::int64_t steps() const { return longest_; }

 private:
  using Cell = std::uint64_t;  // address of a signal's cell
  std::int64_t& depth(int core);

  // By core: the length of the longest chain that ends before the core's next instruction.
  std::vector<std::int64_t> depths_;
  // The chain lengths of notifies: issued but not arrived, by issuer and cell, and arrived but not
  // consumed. Notifies from one core to one cell arrive in the order of issue.
  std::map<std::pair<int, Cell>, std::deque<std::int64_t>> under_way_;
  std::map<Cell, std::deque<std::int64_t>> arrived_;
  std::int64_t longest_ = 0;
};

}  // namespace peal
