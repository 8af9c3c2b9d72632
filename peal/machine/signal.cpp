// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/signal.h"

#include <fmt/format.h>

#include "peal/base/error.h"

namespace peal {

void SignalRow::refuse(int index) const {
  throw Error(fmt::format(
      "row of signals: signal {} is not one of its {}; use 0 to {}, or allocate a longer row",
      index, count_, count_ - 1));
}

}  // namespace peal
