// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "peal/executors/sim/fiber.h"
#include "peal/executors/sim/memory.h"
#include "peal/machine/executor.h"

namespace peal {

// All ranks in one process and one thread, each on a fiber and a simulated core, in virtual time.
// The same program gives the same results, times and events every time. Memory of a run stays
// readable until the next run.
class SimExecutor final : public Executor {
 public:
  explicit SimExecutor(Platform platform) : platform_(std::move(platform)) {}

  static constexpr int most_ranks = 65536;

  [[nodiscard]] const Platform& platform() const override { return platform_; }
  RunReport run(int ranks, const std::function<void(Team&)>& program,
                const RunOptions& options) override;

 private:
  Platform platform_;
  StackPool stacks_;
  SimMemory memory_;
};

}  // namespace peal
