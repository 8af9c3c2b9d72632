// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "peal/base/alignment.h"
#include "peal/run/pipe.h"

namespace peal {

// The components of a core's vector clock: for each pipe how many instructions it has executed; for
// each pipe that writes global memory how many of its stores are visible there; and how many waits
// (acquires) the scalar unit has passed, through which order comes from other cores.
enum class Lane : std::uint8_t {
  // 0 to 8: instructions executed, numbered like Pipe; these are the ones named here.
  scalar = static_cast<int>(Pipe::scalar),
  mte3 = static_cast<int>(Pipe::mte3),
  fix = static_cast<int>(Pipe::fix),
  dma = static_cast<int>(Pipe::dma),
  scalar_visible = 9,  // marks cached scalar stores; their end is kept in CoreOrder::flushed_
  mte3_visible = 10,
  fix_visible = 11,
  dma_visible = 12,
  acquired = 13,  // waits passed
};
inline constexpr std::size_t lane_count = 16;  // a cache line

[[nodiscard]] constexpr Lane lane_of(Pipe pipe) { return static_cast<Lane>(pipe); }
// The lane that tells when a pipe's store has ended: it is visible, or, for a pipe that does not
// store to global memory, executed.
[[nodiscard]] constexpr Lane end_lane(Pipe pipe) {
  switch (pipe) {
    case Pipe::mte3:
      return Lane::mte3_visible;
    case Pipe::fix:
      return Lane::fix_visible;
    case Pipe::dma:
      return Lane::dma_visible;
    default:
      return lane_of(pipe);
  }
}

// A vector clock over the lanes of one core: of each lane, the first `count` steps happened before.
struct alignas(cache_line_bytes) LaneClock {
  std::array<std::uint32_t, lane_count> counts{};

  bool operator==(const LaneClock&) const = default;

  [[nodiscard]] std::uint32_t operator[](Lane lane) const {
    return counts[static_cast<std::size_t>(lane)];
  }
  [[nodiscard]] std::uint32_t& operator[](Lane lane) {
    return counts[static_cast<std::size_t>(lane)];
  }
  void join(const LaneClock& other) {
    // Four lanes at a time: for baseline x86-64, compilers do not vectorise std::max by themselves.
    using Four = std::uint32_t __attribute__((vector_size(16)));
    for (std::size_t i = 0; i < lane_count; i += 4) {
      Four own, others;
      std::memcpy(&own, &counts[i], sizeof own);
      std::memcpy(&others, &other.counts[i], sizeof others);
      const Four is_more = reinterpret_cast<Four>(own > others);
      own = (own & is_more) | (others & ~is_more);
      std::memcpy(&counts[i], &own, sizeof own);
    }
  }
};

}  // namespace peal
