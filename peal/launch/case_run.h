// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "peal/base/api.h"
#include "peal/cases/case_file.h"
#include "peal/cases/case_result.h"
#include "peal/run/platform.h"
#include "peal/run/run.h"
#include "peal/search/check.h"

namespace PEAL_API peal {

// How a case is run. An empty option means the value of the case.
struct CaseRunRequest {
  std::string platform = "a2a3sim";
  std::optional<Platform> target = {};  // takes precedence over `platform`
  int ranks = 2;
  std::optional<std::int64_t> calls = {};
  // Processor time that a kernel may spend between two instructions of the chip.
  double time_limit_seconds = 5;
  RunOptions options = {};
};

// Converts a run's result to what peal/search compares between schedules.
[[nodiscard]] SubjectOutcome outcome_of(CaseRunResult result);

// Runs the case's kernels, compiled unmodified, on simulated cores. All calls run back to back on
// the same windows, each with its own arrays; then the outputs are compared with what the case
// expects. Throws Error for a case that cannot be run, RunError for a mistake of the kernel.
[[nodiscard]] CaseRunResult run_case(const CaseFile& file, const CaseRunRequest& request);

}  // namespace peal
