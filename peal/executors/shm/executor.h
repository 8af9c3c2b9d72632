// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "peal/executors/shm/memory/arena.h"
#include "peal/run/executor.h"

namespace peal {

// Runs ranks for real: each is a process of its own, forked for the run, over shared memory. What a
// rank writes to other memory than its windows and that of share() is lost with it.
class ShmExecutor final : public Executor {
 public:
  // Threads over one mapping instead of processes, for a sanitizer that sees nothing between
  // processes.
  enum class Ranks : bool { processes, threads };

  // `platform` has the figures by which algorithms are chosen.
  explicit ShmExecutor(Platform platform, Ranks kind = Ranks::processes);
  ~ShmExecutor() override;

  [[nodiscard]] const Platform& platform() const override { return platform_; }
  [[nodiscard]] bool is_simulated() const override { return false; }
  RunReport run(int ranks, const std::function<void(Team&)>& program,
                const RunOptions& options) override;
  [[nodiscard]] std::span<std::byte> share(std::size_t size_bytes) override;

 private:
  Platform platform_;
  Ranks kind_;
  std::optional<ShmArena> arena_;  // of the last run
  std::byte* shared_ = nullptr;
  std::size_t shared_bytes_ = 0;
};

}  // namespace peal
