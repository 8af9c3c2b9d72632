// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/order/own_bounds.h"

#include <algorithm>

namespace peal {

void OwnBounds::add(std::uint32_t core, std::uint32_t cell, std::int64_t value) {
  Bounds& own = bounds_.at({core, cell});
  own.least += value;
  own.most += value;
  own.reached += static_cast<std::uint32_t>(value);
}

void OwnBounds::set(std::uint32_t core, std::uint32_t cell, std::int64_t value) {
  bounds_.at({core, cell}) = {value, value, static_cast<std::uint32_t>(value)};
}

void OwnBounds::look(std::uint32_t core, std::uint32_t cell,
                     const std::vector<std::uint64_t>& failed) {
  std::int64_t& least = bounds_.at({core, cell}).least;
  const auto has_failed = [&failed](std::int64_t value) {
    return std::find(failed.begin(), failed.end(), static_cast<std::uint32_t>(value)) !=
           failed.end();
  };
  while (has_failed(least)) ++least;
}

bool OwnBounds::wait(std::uint32_t core, std::uint32_t cell, WaitCmp cmp, std::uint32_t threshold) {
  Bounds& own = bounds_.at({core, cell});
  const std::int64_t value = static_cast<std::int32_t>(threshold);
  const Bounds before = own;
  switch (cmp) {
    case WaitCmp::reached:
      if (static_cast<std::int32_t>(before.reached - threshold) >= 0) return true;
      own.reached = threshold;
      return false;
    case WaitCmp::gt:
      own.least = std::max(own.least, value + 1);
      return before.least > value;
    case WaitCmp::ge:
      own.least = std::max(own.least, value);
      return before.least >= value;
    case WaitCmp::lt:
      own.most = std::min(own.most, value - 1);
      return before.most < value;
    case WaitCmp::le:
      own.most = std::min(own.most, value);
      return before.most <= value;
    case WaitCmp::eq:
      own.least = own.most = value;
      return before.least == value && before.most == value;
    case WaitCmp::ne:
      break;
  }
  return before.least > value || before.most < value;
}

}  // namespace peal
