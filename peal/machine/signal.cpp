// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/signal.h"

#include <fmt/format.h>

#include "peal/base/error.h"

namespace peal {

bool holds(WaitCmp cmp, std::uint32_t cell, std::uint32_t value) {
  const auto left = static_cast<std::int32_t>(cell), right = static_cast<std::int32_t>(value);
  switch (cmp) {
    case WaitCmp::reached:
      return static_cast<std::int32_t>(cell - value) >= 0;
    case WaitCmp::eq:
      return left == right;
    case WaitCmp::ne:
      return left != right;
    case WaitCmp::gt:
      return left > right;
    case WaitCmp::ge:
      return left >= right;
    case WaitCmp::lt:
      return left < right;
    case WaitCmp::le:
      break;
  }
  return left <= right;
}

const char* symbol(WaitCmp cmp) {
  static constexpr const char* symbols[] = {">=", "==", "!=", ">", ">=", "<", "<="};
  return symbols[static_cast<std::size_t>(cmp)];
}

void SignalRow::refuse(int index) const {
  throw OutOfRange(fmt::format(
      "row of signals: signal {} is not one of its {}; use 0 to {}, or allocate a longer row",
      index, count_, count_ - 1));
}

}  // namespace peal
