// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "peal/base/api.h"
#include "peal/run/run.h"

namespace PEAL_API peal {

// The result of a run of a case: all calls, compared with what the case expects.
struct CaseRunResult {
  RunReport report;
  std::int64_t calls = 1;
  bool compared = false;                // true if the case has expectations
  std::vector<double> differences;      // by rank: the maximum over all calls and outputs
  double tolerance = 0;                 // absolute
  std::optional<std::string> mismatch;  // describes the first wrong element
  // Copies of the outputs, if the run has readers. Their order is the same in every run of a case.
  std::vector<RunOutput> outputs;
};

}  // namespace peal
