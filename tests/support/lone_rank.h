// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "peal/machine/calls/call_record.h"
#include "peal/machine/device.h"
#include "peal/machine/window.h"

namespace peal::tests {

// Rank 0 of three, without the others: verbs move nothing, and every wait finds what it waits for.
// What the layers above ask of a device can be counted here, and its answers chosen.
class LoneRank final : public Device {
 public:
  LoneRank() : Device(0, 3) {}

  // What it answers.
  HostFacts facts{.is_real = true};
  bool remembers_calls = true;
  std::chrono::nanoseconds wait_time{0};  // how long a wait takes
  // What it was asked.
  int announced = 0, announced_again = 0;
  mutable int asked_for_facts = 0;

 private:
  void do_put(Rank, const View&, const View&, SourcePlace) override {}
  void do_get(const View&, Rank, const View&, SourcePlace) override {}
  void do_copy(const View&, const View&, SourcePlace) override {}
  void do_reduce(std::span<const RankView>, std::span<const RankView>, ReduceOp,
                 SourcePlace) override {}
  void do_put_reduce(Rank, const View&, const View&, ReduceOp, SourcePlace) override {}
  void do_notify(Rank, Signal, int, SourcePlace) override {}
  void do_put_notify(Rank, const View&, const View&, Signal, SourcePlace) override {}
  void do_wait(Signal, int, SourcePlace) override {
    if (wait_time.count() == 0) return;
    const auto end = std::chrono::steady_clock::now() + wait_time;
    while (std::chrono::steady_clock::now() < end) {
    }
  }
  bool do_poll(Signal, int, SourcePlace) override { return true; }
  void do_flush(SourcePlace) override {}
  std::span<std::byte> do_access(const View& view, Access, SourcePlace) override {
    return {view.data, view.size_bytes()};
  }
  void do_compute(const ComputeCost&, const std::function<void()>&, SourcePlace) override {}
  [[nodiscard]] bool do_is_in_window(const ConstView& view) const override {
    return std::any_of(windows_.begin(), windows_.end(), [&](const auto& cells) {
      const auto* const begin = reinterpret_cast<const std::byte*>(cells.data());
      return view.data >= begin &&
             view.data + view.size_bytes() <= begin + cells.size() * sizeof(SignalCell);
    });
  }
  [[nodiscard]] HostFacts do_host() const override {
    ++asked_for_facts;
    return facts;
  }
  std::unique_ptr<Device> do_split(const SplitEntry&, SourcePlace) override { return nullptr; }
  Window do_allocate(std::string_view, std::size_t size_bytes) override {
    auto& cells = windows_.emplace_back(size_bytes / sizeof(SignalCell) + 1);
    return {reinterpret_cast<std::byte*>(cells.data()), size_bytes};
  }
  SignalRow do_allocate_signals(std::string_view, int count) override {
    auto& cells = windows_.emplace_back(static_cast<std::size_t>(count) + 1);
    return {cells.data(), count};
  }
  std::uint64_t do_announce(const CallRecord&) override {
    return static_cast<std::uint64_t>(++announced);
  }
  bool do_announce_again(std::uint64_t) override {
    ++announced_again;
    return remembers_calls;
  }

  std::vector<std::vector<SignalCell>> windows_;  // in units of a cache line
};

}  // namespace peal::tests
