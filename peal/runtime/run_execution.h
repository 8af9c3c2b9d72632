// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "peal/base/api.h"
#include "peal/runtime/built_run.h"
#include "peal/runtime/graph/dispatcher.h"
#include "peal/runtime/graph/graph_report.h"
#include "peal/runtime/worker_state.h"

namespace PEAL_API peal {

// Carries out a built run. It passes through the phases built, running and ended.
//
// How a run goes on after a deadline. advance() is a loop that starts ready tasks and waits for the
// end of running ones; it returns false at the deadline. All state that the loop needs is in
// members, none on its stack: which tasks wait (the graph of run_), are ready (dispatcher_ and
// functions_), run (in the driver, and as busy devices in dispatcher_), and how many are left
// (left_). So the next advance() resumes the loop where it stopped: begin() ran in the first call
// only (phase_), no task starts twice, and an end that the driver sees between two calls is
// returned by the next wait_for_end(). A deadline cannot fall between a task's end and the
// bookkeeping of finish().
class RunExecution {
 public:
  // `number` is the run's on its worker, from 1.
  RunExecution(WorkerState& worker, std::uint64_t number, std::unique_ptr<BuiltRun> run);
  ~RunExecution();
  RunExecution(const RunExecution&) = delete;
  RunExecution& operator=(const RunExecution&) = delete;

  // Carries out the run. Returns true when it has ended, false if the deadline passes before; then
  // a later call resumes it. Exceptions of the driver end the run and are kept as its defect().
  bool advance(std::chrono::steady_clock::time_point deadline);
  // Ends the run at once, whatever is under way, with `why` as its defect().
  void drop(const std::string& why);

  [[nodiscard]] bool has_ended() const { return phase_ == Phase::ended; }
  [[nodiscard]] const GraphReport& report() const { return report_; }
  // Why the run ended before its tasks did; empty if it did not.
  [[nodiscard]] const std::string& defect() const { return defect_; }
  // The progress as text: how many tasks have ended, and which ones are running.
  [[nodiscard]] std::string progress() const;
  [[nodiscard]] const TaskGraph& graph() const { return run_->graph; }

 private:
  enum class Phase : std::uint8_t { built, running, ended };

  void begin();
  void start(std::size_t task);
  void run_function(std::size_t task);
  void finish(std::size_t task, const std::string& failure);
  void add_ready(const std::vector<std::size_t>& tasks);
  [[nodiscard]] std::string failure_of(const TaskEnd& end) const;
  void close();

  WorkerState& worker_;
  std::unique_ptr<BuiltRun> run_;  // once the run has ended, its graph alone
  Phase phase_ = Phase::built;
  Dispatcher dispatcher_;
  // Host functions that are ready, the first submitted on top.
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> functions_;
  std::size_t left_ = 0;  // number of tasks that have not ended
  std::unique_ptr<RunChecks> checks_;
  std::vector<std::vector<std::uint32_t>> predecessors_;  // by task, for the checks; or empty
  GraphReport report_;
  std::string defect_;
};

}  // namespace peal
