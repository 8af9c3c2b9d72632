// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "peal/chip/core/core.h"
#include "peal/executors/sim/fiber.h"
#include "peal/executors/sim/memory.h"
#include "peal/run/executor.h"

namespace peal {

// A run of programs written in the chip's instructions, instead of a Device's verbs.
struct CoreRun {
  int ranks = 1;
  int blocks = 1;  // cores of each rank
  // Allocates and fills the windows, before any core starts.
  std::function<void(SimMemory& memory)> prepare;
  std::function<void(Core& core, int rank, int block)> program;
};

// This folder runs all ranks in one process and one thread, each on a fiber and a simulated core of
// peal/chip, in virtual time. Read executor.cpp (a run from begin to end), then rank_device.h
// (verbs to instructions), fiber.h, memory.h and schedule/schedule.h; worker/driver.h runs task
// graphs.
//
// The executor is deterministic: the same program under the same schedule gives the same results,
// times and events. Memory of a run stays readable until the next run. run() throws Error for a
// number of ranks outside 1..max_ranks, and what the program fails with, such as a Deadlock.
class SimExecutor final : public Executor {
 public:
  explicit SimExecutor(Platform platform) : platform_(std::move(platform)) {}

  static constexpr int max_ranks = 65536;

  [[nodiscard]] const Platform& platform() const override { return platform_; }
  RunReport run(int ranks, const std::function<void(Team&)>& program,
                const RunOptions& options) override;
  [[nodiscard]] std::span<std::byte> share(std::size_t size_bytes) override {
    shared_.assign(size_bytes / sizeof(SharedUnit) + 1, SharedUnit{});
    return {reinterpret_cast<std::byte*>(shared_.data()), size_bytes};
  }
  RunReport run_cores(const CoreRun& cores, const RunOptions& options);

 private:
  [[nodiscard]] Fabric::Settings fabric_settings(Agenda& agenda, ProgramSwitch& programs,
                                                 const RunOptions& options) const;

  Platform platform_;
  StackPool stacks_;
  SimMemory memory_;
  std::map<std::string, Picoseconds> foreseen_;  // results of Device::foresee, by name
  // The unit of share(): aligned for any type, and without padding, which would not be zeroed.
  struct alignas(std::max_align_t) SharedUnit {
    std::array<std::byte, sizeof(std::max_align_t)> bytes{};
  };
  std::vector<SharedUnit> shared_;
};

}  // namespace peal
