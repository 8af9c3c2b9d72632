// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "peal/run/platform.h"

namespace peal {

// The on-chip memories of a core: a vector core uses the unified buffer, a cube core the others.
enum class OnChip : std::uint8_t { unified, l1, l0a, l0b, l0c };
inline constexpr int on_chip_count = 5;
[[nodiscard]] std::int64_t on_chip_bytes(const Platform& platform, OnChip memory);
// The capacity of all on-chip memories of a core together, in bytes.
[[nodiscard]] std::int64_t on_chip_bytes(const Platform& platform);
// Where a memory starts among them, in bytes. They lie one after the other, in OnChip's order.
[[nodiscard]] std::int64_t on_chip_offset(const Platform& platform, OnChip memory);

}  // namespace peal
