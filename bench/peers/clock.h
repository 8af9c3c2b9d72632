// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#else
#include <ctime>
#endif

namespace peal::peers {

// Reads a clock, without reordering of the reading and the instructions around it. On x86-64 the
// unit is a tick of the time stamp counter (see ns_per_tick()), elsewhere a nanosecond.
inline std::uint64_t ticks() {
#if defined(__x86_64__)
  _mm_lfence();
  const std::uint64_t now = __rdtsc();
  _mm_lfence();
  return now;
#else
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
#endif
}

// Measures the length of a tick, which takes 50 ms. One process does it for all, so that all use
// the same value.
[[nodiscard]] double ns_per_tick();

// The overhead that two readings add to the time between them, in ticks: the minimum of many.
[[nodiscard]] std::uint64_t ticks_of_timing();

}  // namespace peal::peers
