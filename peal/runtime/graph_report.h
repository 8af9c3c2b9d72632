// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/base/units.h"

namespace peal {

// What became of a task.
struct TaskRecord {
  enum class State : std::uint8_t { waiting, running, done, failed, not_run };
  std::string name;
  std::vector<int> devices;  // their numbers; empty for a host function
  State state = State::waiting;
  // From its being given to its devices to those that wait for it knowing of its end.
  Picoseconds begin_ps = 0, end_ps = 0;
  std::string failure = {};     // of one that failed
  std::size_t failed_task = 0;  // of one that was not run: the task because of which
};

// What a run of tasks reports.
struct GraphReport {
  std::uint64_t run = 0;  // its number among the worker's, from 1
  std::string platform;
  std::vector<int> devices;
  Picoseconds time_ps = 0;                 // until the last task ended
  Picoseconds serial_ps = 0;               // of all tasks, one after the other
  Picoseconds critical_path_ps = 0;        // of the longest chain of tasks that wait for each other
  std::vector<std::size_t> critical_path;  // that chain, by numbers
  std::vector<TaskRecord> tasks;           // in the order of submission
  std::vector<std::string> findings;       // of the checks, where they are on

  // Whether no task has failed and the checks, where they are on, have found nothing.
  [[nodiscard]] bool is_clean() const { return findings.empty() && failures() == 0; }
  [[nodiscard]] std::size_t failures() const;  // tasks that failed or were not run
};

// "task 3 `ring` on devices 0-3", or "on the host".
[[nodiscard]] std::string task_label(const GraphReport& report, std::size_t task);

// The failed tasks with their texts, and those that were not run because of them.
[[nodiscard]] std::string describe_failures(const GraphReport& report);

// The times of the run and of each task; of more than `max_tasks` only the first ones.
[[nodiscard]] std::string describe(const GraphReport& report, std::size_t max_tasks = 64);

// A run in which tasks have failed.
class RunFailure : public RunError {
 public:
  explicit RunFailure(GraphReport report)
      : RunError(describe_failures(report)), report_(std::move(report)) {}
  [[nodiscard]] const GraphReport& report() const { return report_; }

 private:
  GraphReport report_;
};

}  // namespace peal
