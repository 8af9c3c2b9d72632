// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "peal/base/api.h"
#include "peal/base/error.h"
#include "peal/base/units.h"

namespace PEAL_API peal {

// What became of one task.
struct TaskRecord {
  enum class State : std::uint8_t { waiting, running, done, failed, not_run };
  std::string name;
  std::vector<int> devices;  // device numbers; empty for a host function
  State state = State::waiting;
  // From the start on its devices to the moment at which the worker has seen its end.
  Picoseconds begin_ps = 0, end_ps = 0;
  std::string failure = {};     // if failed: why
  std::size_t failed_task = 0;  // if not run: the number of the failed task that it depends on
};

// The report of a run.
struct GraphReport {
  std::uint64_t run = 0;  // number of the run on its worker, from 1
  std::string platform;
  std::vector<int> devices;
  Picoseconds time_ps = 0;                 // from the start of the run to the end of its last task
  Picoseconds serial_ps = 0;               // sum of the durations of all tasks
  Picoseconds critical_path_ps = 0;        // duration of the longest chain of dependent tasks
  std::vector<std::size_t> critical_path;  // task numbers of that chain
  std::vector<TaskRecord> tasks;           // in the order of submission
  std::vector<std::string> findings;       // of the checks; empty without checks

  // True if every task has run without failure and the checks, if any, have found nothing.
  [[nodiscard]] bool is_clean() const { return findings.empty() && failures() == 0; }
  [[nodiscard]] std::size_t failures() const;  // tasks that failed or were not run
};

// "task 3 `ring` on devices 0-3", or "on the host".
[[nodiscard]] std::string task_label(const GraphReport& report, std::size_t task);

// The failed tasks with the reasons, and the tasks that were not run because of them.
[[nodiscard]] std::string describe_failures(const GraphReport& report);

// The times of the run and of its first `max_tasks` tasks, as a table.
[[nodiscard]] std::string describe(const GraphReport& report, std::size_t max_tasks = 64);

// Thrown for a run in which tasks have failed.
class RunFailure : public RunError {
 public:
  explicit RunFailure(GraphReport report)
      : RunError(describe_failures(report)), report_(std::move(report)) {}
  [[nodiscard]] const GraphReport& report() const { return report_; }

 private:
  GraphReport report_;
};

}  // namespace peal
