// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "peal/executors/shm/memory/arena.h"
#include "peal/run/executor.h"

namespace peal {

// Folder shm/: ranks that are processes of this host and communicate through shared memory. This
// file starts them. Read next: rank_device.h (the verbs), memory/arena.h (what is shared),
// wait/waiter.h (how a rank blocks), packets.cpp (the path of a small all_reduce), transfer/
// (copies and reductions), worker/driver.h (the devices of a worker), split.cpp (teams that are
// divided).

// Runs ranks for real: forks a process for each rank of a run, over a new ShmArena. A rank's writes
// to memory outside of its windows and of share() are lost when its process ends.
class ShmExecutor final : public Executor {
 public:
  // `threads`: ranks are threads over one mapping, for the thread sanitizer, which does not see
  // races between processes.
  enum class Ranks : bool { processes, threads };

  // `platform` has the numbers by which algorithms are chosen.
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
