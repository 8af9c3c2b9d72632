// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "peal/run/event.h"
#include "peal/search/one_run.h"

namespace peal {

// Calls `run` in a forked process, so that a crash, an exit or a hang of the kernels becomes a
// finding instead of ending this process. `run` gets an additional reader of events, or nullptr. An
// Error that it throws is thrown here. `blocked_seconds` limits how long it may wait for the
// system.
[[nodiscard]] OneRun run_isolated(const std::function<OneRun(EventReader*)>& run,
                                  double blocked_seconds);

}  // namespace peal
