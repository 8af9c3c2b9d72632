// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "peal/chip/core.h"
#include "peal/executors/sim/fiber.h"
#include "peal/executors/sim/memory.h"
#include "peal/run/executor.h"

namespace peal {

// A run of chip programs, which are written in instructions.
struct CoreRun {
  int ranks = 1;
  int blocks = 1;  // cores of each rank
  // Allocates the windows, before any core starts.
  std::function<void(SimMemory& memory)> prepare;
  std::function<void(Core& core, int rank, int block)> program;
};

// All ranks in one process and one thread, each on a fiber and a simulated core, in virtual time.
// The same program gives the same results, times and events every time. Memory of a run stays
// readable until the next run.
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
  std::map<std::string, Picoseconds> foreseen_;  // by Device::foresee, on this platform
  // Aligned for any type, and without padding, whose bytes nobody would zero.
  struct alignas(std::max_align_t) SharedUnit {
    std::array<std::byte, sizeof(std::max_align_t)> bytes{};
  };
  std::vector<SharedUnit> shared_;
};

}  // namespace peal
