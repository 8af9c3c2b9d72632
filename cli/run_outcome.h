// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/run_plan.h"
#include "peal/machine/view.h"
#include "peal/reference/reference.h"
#include "peal/run/run.h"

namespace peal {

// The outcome of a plan. The views are valid until the plan's executor is used again.
struct RunOutcome {
  RunReport report;
  double host_seconds = 0;
  std::vector<View> send, recv;      // buffers of each rank, after the last call
  reference::Tolerance rule;         // tolerance of the comparison
  reference::Comparison comparison;  // of the last call, if RunPlan::compares()
  // For a barrier, by rank: the number of ranks that had entered when this rank returned, the
  // minimum over all calls. Correct is the size of the team.
  std::vector<int> entered;
  std::optional<std::string> failure;  // the first wrong rank, and what is wrong
};

// The schedule of a run, and the file in which it is recorded, if any.
struct ScheduleRequest {
  std::string schedule = "virtual";
  std::string save = {};
};

// Runs the plan and judges the outcome. Throws FailedRun if the run fails, and Error if it cannot
// start.
[[nodiscard]] RunOutcome carry_out(const RunPlan& plan, const ScheduleRequest& schedule);

// Compares the ranks' results with the reference: sets `rule`, `comparison` and `failure`.
void judge(const RunPlan& plan, RunOutcome& outcome);

}  // namespace peal
