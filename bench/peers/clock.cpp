// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/clock.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace peal::peers {

double ns_per_tick() {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  const std::uint64_t first = ticks();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const Clock::time_point end = Clock::now();
  const std::uint64_t last = ticks();
  const double ns = std::chrono::duration<double, std::nano>(end - begin).count();
  return ns / static_cast<double>(last - first);
}

std::uint64_t ticks_of_timing() {
  std::uint64_t least = UINT64_MAX;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t begin = ticks(), end = ticks();
    least = std::min(least, end - begin);
  }
  return least;
}

}  // namespace peal::peers
