// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "peal/collectives/registry.h"
#include "peal/run/executor.h"
#include "tests/support/collective_case.h"

namespace peal::tests {

// How the buffers of one rank's call lie in its window, and to those of other ranks.
enum class Where { alike, apart, in_place };

// Calls of the algorithm on several counts, for buffers in windows.
[[nodiscard]] std::vector<CollectiveCase> window_cases(const Algorithm& algorithm, int ranks);

// Makes each call three times with buffers in windows; empty, or the first element that differs.
[[nodiscard]] std::string run_in_windows(Executor& executor,
                                         const std::vector<CollectiveCase>& calls, Where where,
                                         const RunOptions& options = {});

}  // namespace peal::tests
