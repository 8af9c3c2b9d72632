// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/tuning/latency_probe.h"

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
// Rank 0 stops the ping-pong with a rank after this time, because other work delays the signals.
constexpr std::chrono::milliseconds max_time(2);

// The number of round trips per rank: fewer with many ranks, to bound the total time.
int rounds(int ranks) { return warm_up + std::max(4, 512 / std::max(16, ranks)); }

// A flag in the cache line of signal 0: 1 if this ping is the last one.
View last_beside(const SignalRow& signals) { return payload(signals[0], 1, DType::u32); }

// Half of the shortest round trip to the peer. The minimum is the latency without interference; the
// first `warm_up` round trips do not count unless there are no others.
double one_way_ns(Device& self, Rank peer, const SignalRow& signals) {
  double least = 1e9;
  const Clock::time_point first = Clock::now();
  std::uint32_t is_last = 0;
  for (int round = 0; is_last == 0; ++round) {
    const Clock::time_point begin = Clock::now();
    is_last = round + 1 == rounds(self.ranks()) || begin - first > max_time ? 1 : 0;
    self.put_notify(peer, last_beside(signals), View::of(std::span<std::uint32_t>(&is_last, 1)),
                    signals[0]);
    self.wait(signals[1]);
    const std::chrono::duration<double, std::nano> took = Clock::now() - begin;
    if (round >= warm_up || is_last != 0) least = std::min(least, took.count() / 2);
  }
  return least;
}

void answer(Device& self, const SignalRow& signals) {
  for (std::uint32_t is_last = 0; is_last == 0;) {
    self.wait(signals[0]);
    std::memcpy(&is_last, self.read(last_beside(signals)).data(), sizeof(is_last));
    self.notify(Rank{0}, signals[1]);
  }
}

}  // namespace

// Signals: 0 is the ping of rank 0 and 1 the answer (pong) to it; 2 delivers the result to every
// rank; 3 tells every rank whether there is a ping-pong. Rank 0 alone decides that, so that all
// ranks agree even if they see the number of processors differently.
ProbedHost HostProbe::measure(Team& team) {
  Device& self = team.device();
  if (!signals_) signals_ = self.allocate_signals("line probe", 4);
  const SignalRow& signals = *signals_;
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
