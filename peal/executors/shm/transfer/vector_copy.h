// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "peal/executors/shm/transfer/packet_box.h"
#include "peal/executors/shm/transfer/vector_reduce.h"

namespace peal {

// Copies between places that do not overlap. Unlike memcpy, it avoids the stalls of 4 KiB aliasing
// (source and destination that are close modulo 4096), and offers streaming stores, which are
// ordered before any later store.
void vector_copy(std::byte* dst, const std::byte* src, std::size_t size_bytes, Stores stores);

// Writes `count` whole lines of packets from contiguous memory. A reader that loads a line's `mark`
// with acquire and finds the new one sees the line's data.
using VectorPacketWriter = void (*)(PacketLine* lines, const std::byte* src, std::size_t count,
                                    std::uint64_t mark);
[[nodiscard]] VectorPacketWriter vector_packet_writer();

}  // namespace peal
