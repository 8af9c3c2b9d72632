// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "peal/cases/case_file.h"
#include "peal/cases/case_result.h"
#include "peal/run/platform.h"
#include "peal/run/run.h"
#include "peal/search/check.h"

namespace peal {

// How a case is run; what is not given is the case's own.
struct CaseRunRequest {
  std::string platform = "a2a3sim";
  std::optional<Platform> target = {};  // instead of the platform of that name
  int ranks = 2;
  std::optional<std::int64_t> calls = {};
  // Processor time that a kernel may take between two instructions of the chip.
  double time_limit_seconds = 5;
  RunOptions options = {};
};

// The same, for whoever checks it.
[[nodiscard]] SubjectOutcome outcome_of(CaseRunResult result);

// Runs the case's kernel, compiled unmodified, on simulated cores: all calls back to back on the
// same windows, each with arrays of its own. Throws Error for a case that cannot be run, RunError
// for a mistake of the kernel that ends the run.
[[nodiscard]] CaseRunResult run_case(const CaseFile& file, const CaseRunRequest& request);

}  // namespace peal
