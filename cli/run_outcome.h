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

// What came of a plan. The views stay readable as long as the plan's executor is not used again.
struct RunOutcome {
  RunReport report;
  double host_seconds = 0;
  std::vector<View> send, recv;      // of each rank, after the last call
  reference::Tolerance rule;         // what the comparison allows
  reference::Comparison comparison;  // of the last call, where there are results to compare
  // barrier: of how many ranks each one knew, on return, that they had entered; the fewest of all
  // calls.
  std::vector<int> entered;
  std::optional<std::string> failure;  // the first rank that is wrong, and how
};

// How the steps of a run are chosen, and the file in which that is recorded, if any.
struct ScheduleRequest {
  std::string schedule = "virtual";
  std::string save = {};
};

// Runs the plan and judges what came of it. Throws Error, or FailedRun for a run that goes wrong.
[[nodiscard]] RunOutcome carry_out(const RunPlan& plan, const ScheduleRequest& schedule);

// Compares what the ranks hold with what is expected: sets `rule`, `comparison` and `failure`.
void judge(const RunPlan& plan, RunOutcome& outcome);

}  // namespace peal
