// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#else
#include <ctime>
#endif

namespace peal::peers {

// A clock that the program cannot run past in either direction. On x86-64 its unit is that of the
// time stamp counter, which `ns_per_tick()` measures; nanoseconds elsewhere.
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

// Takes 50 ms. One process measures it for all, so that it is the same for all.
[[nodiscard]] double ns_per_tick();

// What a pair of readings adds to a time between them, in ticks: the least of many.
[[nodiscard]] std::uint64_t ticks_of_timing();

}  // namespace peal::peers
