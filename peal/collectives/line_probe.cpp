// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/line_probe.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <span>

#include "peal/machine/window.h"

namespace peal {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int warm_up = 4;

// How often a signal goes there and back: less often with many ranks, so that all together stay
// short.
int rounds(int ranks) { return warm_up + std::max(4, 512 / std::max(16, ranks)); }

// The least time of a way there and back, halved.
double one_way_ns(Device& self, Rank peer, const SignalRow& signals) {
  double least = 1e9;
  for (int round = 0; round < rounds(self.ranks()); ++round) {
    const Clock::time_point begin = Clock::now();
    self.notify(peer, signals[0]);
    self.wait(signals[1]);
    const std::chrono::duration<double, std::nano> took = Clock::now() - begin;
    if (round >= warm_up) least = std::min(least, took.count() / 2);
  }
  return least;
}

void answer(Device& self, const SignalRow& signals) {
  for (int round = 0; round < rounds(self.ranks()); ++round) {
    self.wait(signals[0]);
    self.notify(Rank{0}, signals[1]);
  }
}

}  // namespace

// Whether there are too few processors is rank 0's to say; the others answer only if it asks.
ProbedHost probe_host(Team& team) {
  Device& self = team.device();
  const SignalRow signals = self.allocate_signals("line probe", 4);
  const View told = payload(signals[2], 2, DType::f64);
  std::array<double, 2> found{};
  if (self.rank() != 0) {
    const View asked = payload(signals[3], 1, DType::u32);
    self.wait(signals[3]);
    std::uint32_t asks = 0;
    std::memcpy(&asks, self.read(asked).data(), sizeof(asks));
    if (asks != 0) answer(self, signals);
    self.wait(signals[2]);
    std::memcpy(found.data(), self.read(told).data(), sizeof(found));
    return {found[0], found[1] != 0};
  }
  std::uint32_t asks = self.host().is_oversubscribed ? 0 : 1;
  for (int peer = 1; peer < self.ranks(); ++peer) {
    self.put_notify(Rank{peer}, payload(signals[3], 1, DType::u32),
                    View::of(std::span<std::uint32_t>(&asks, 1)), signals[3]);
  }
  found[1] = asks == 0 ? 1 : 0;
  if (asks != 0) {
    for (int peer = 1; peer < self.ranks(); ++peer) {
      found[0] = std::max(found[0], one_way_ns(self, Rank{peer}, signals));
    }
  }
  for (int peer = 1; peer < self.ranks(); ++peer) {
    self.put_notify(Rank{peer}, told, View::of(std::span<double>(found)), signals[2]);
  }
  return {found[0], found[1] != 0};
}

}  // namespace peal
