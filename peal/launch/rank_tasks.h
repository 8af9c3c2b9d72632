// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "peal/chip/core/core.h"
#include "peal/pto/isa/shim.h"
#include "peal/pto/load/kernel.h"

namespace peal {

// The tasks of one rank in one call, which the rank's cores execute. A task consists of `blocks`
// calls of its kernel, each on one core. A core takes the first block, in the order of submission,
// whose task is for its type and depends on completed tasks only.
class RankTasks {
 public:
  struct Settings {
    int blocks = 1;
    std::int64_t context = 0;
    std::int64_t first_task = 0;  // the run's number of the first task; the others follow
    std::string name = {};        // of their submitter, for reports; may be empty
    // Numbers of tasks that precede all of these: of the previous call, or of the graph.
    std::vector<std::int64_t> after = {};
  };
  // Slots of a kernel's argument array for tensors and scalars; those behind hold the contexts.
  static constexpr std::size_t max_arguments = 48;

  RankTasks(std::vector<PtoTask> tasks, const Settings& settings);

  // Called by every core of the rank: executes tasks for the core's type, and returns when all
  // tasks of the rank are complete.
  void work(Core& core, CoreType type, const std::map<int, PtoKernel>& kernels);

  [[nodiscard]] std::size_t count() const { return tasks_.size(); }
  // The run's numbers of all tasks.
  [[nodiscard]] std::vector<std::int64_t> numbers() const {
    std::vector<std::int64_t> result;
    for (std::size_t i = 0; i < tasks_.size(); ++i) result.push_back(number(i));
    return result;
  }

 private:
  struct Progress {
    int started = 0, completed = 0;  // in blocks
    std::vector<std::int64_t> args;
    std::string name;  // for reports; empty for a single task without a submitter's name
  };

  [[nodiscard]] std::int64_t number(std::size_t task) const {
    return first_task_ + static_cast<std::int64_t>(task);
  }
  [[nodiscard]] bool is_ready(const PtoTask& task) const;

  std::vector<PtoTask> tasks_;
  std::vector<Progress> progress_;
  std::vector<PtoArgument> known_;  // registers their arguments as memory that kernels may access
  int blocks_;
  std::int64_t first_task_;
  std::vector<std::int64_t> after_;
  std::uint32_t completions_ = 0;  // counts completed blocks; idle cores wait on it
};

}  // namespace peal
