// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "peal/run/run.h"

namespace peal {

// What came of all calls of a case, compared with what the case expects.
struct CaseRunResult {
  RunReport report;
  std::int64_t calls = 1;
  bool compared = false;                // whether the case says what to expect
  std::vector<double> differences;      // per rank: the largest of all calls and outputs
  double tolerance = 0;                 // absolute
  std::optional<std::string> mismatch;  // the first element that is wrong
  // Where the run has readers: what its outputs held, in one order in every run of the case.
  std::vector<RunOutput> outputs;
};

}  // namespace peal
