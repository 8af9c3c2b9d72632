// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "peal/run/event.h"
#include "peal/search/one_run.h"

namespace peal {

// Makes a run of kernels in a process of its own, so that whatever they do becomes a finding. `run`
// is given a reader of events for the run, or nullptr. What it throws as Error comes out of here.
[[nodiscard]] OneRun run_isolated(const std::function<OneRun(EventReader*)>& run,
                                  double blocked_seconds);

}  // namespace peal
