// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "peal/chip/core.h"
#include "peal/pto/isa/shim.h"
#include "peal/pto/load/kernel.h"

namespace peal {

// The tasks of one rank in one call, and the cores that take them: in submission order, each when
// those whose tensors it depends on are complete. A task is `blocks` calls of its kernel.
class RankTasks {
 public:
  struct Settings {
    int blocks = 1;
    std::int64_t context = 0;
    std::int64_t first_task = 0;  // the number in the run of the first of them
    std::string name = {};        // of what submits them, for reports; may be empty
    // Tasks of the run that have ended before: those of the call before, or of the graph.
    std::vector<std::int64_t> after = {};
  };
  // What a kernel finds of a task's arguments; its contexts lie behind them.
  static constexpr std::size_t max_arguments = 48;

  RankTasks(std::vector<PtoTask> tasks, const Settings& settings);

  // Runs tasks for its type on the core until all of the rank are complete; called by every core of
  // the rank.
  void work(Core& core, CoreType type, const std::map<int, PtoKernel>& kernels);

  [[nodiscard]] std::size_t count() const { return tasks_.size(); }
  // Of all of them, in the run.
  [[nodiscard]] std::vector<std::int64_t> numbers() const {
    std::vector<std::int64_t> result;
    for (std::size_t i = 0; i < tasks_.size(); ++i) result.push_back(number(i));
    return result;
  }

 private:
  struct Progress {
    int started = 0, completed = 0;  // blocks
    std::vector<std::int64_t> args;
    std::string name;  // for reports; empty where there is nothing to tell apart
  };

  [[nodiscard]] std::int64_t number(std::size_t task) const {
    return first_task_ + static_cast<std::int64_t>(task);
  }
  [[nodiscard]] bool is_ready(const PtoTask& task) const;

  std::vector<PtoTask> tasks_;
  std::vector<Progress> progress_;
  std::vector<PtoArgument> known_;  // their arguments, to kernels
  int blocks_;
  std::int64_t first_task_;
  std::vector<std::int64_t> after_;
  std::uint32_t completions_ = 0;  // a cell that idle cores of the rank wait on
};

}  // namespace peal
