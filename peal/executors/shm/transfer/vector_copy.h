// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "peal/executors/shm/transfer/packet_box.h"
#include "peal/executors/shm/transfer/vector_reduce.h"

namespace peal {

// Copies between places that do not overlap. Unlike memcpy, it does not slow down where the low
// bits of the addresses are close, and it can pass the caches by; such stores are ordered before
// any later store.
void vector_copy(std::byte* dst, const std::byte* src, std::size_t size_bytes, Stores stores);

// Writes so many whole lines of packets from memory without gaps, each with that mark, which is
// seen last.
using VectorPacketWriter = void (*)(PacketLine* lines, const std::byte* src, std::size_t count,
                                    std::uint64_t mark);
[[nodiscard]] VectorPacketWriter vector_packet_writer();

}  // namespace peal
