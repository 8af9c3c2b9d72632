// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/packets.h"

#include <fmt/format.h>

#include "peal/base/error.h"

namespace peal {

void PacketRow::refuse(int index) const {
  throw OutOfRange(fmt::format(
      "row of packets: place {} is not one of its {}; use 0 to {}, or allocate a longer row", index,
      count_, count_ - 1));
}

}  // namespace peal
