// SPDX-License-Identifier: Apache-2.0
#include "peal/chip/core/on_chip.h"

namespace peal {

std::int64_t on_chip_bytes(const Platform& platform, OnChip memory) {
  switch (memory) {
    case OnChip::unified:
      return platform.core.unified_buffer_bytes;
    case OnChip::l1:
      return platform.cube.l1_bytes;
    case OnChip::l0a:
      return platform.cube.l0a_bytes;
    case OnChip::l0b:
      return platform.cube.l0b_bytes;
    case OnChip::l0c:
      break;
  }
  return platform.cube.l0c_bytes;
}

std::int64_t on_chip_bytes(const Platform& platform) {
  std::int64_t total = 0;
  for (int memory = 0; memory < on_chip_count; ++memory) {
    total += on_chip_bytes(platform, static_cast<OnChip>(memory));
  }
  return total;
}

std::int64_t on_chip_offset(const Platform& platform, OnChip memory) {
  std::int64_t offset = 0;
  for (int before = 0; before < static_cast<int>(memory); ++before) {
    offset += on_chip_bytes(platform, static_cast<OnChip>(before));
  }
  return offset;
}

}  // namespace peal
