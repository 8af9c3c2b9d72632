// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "cli/options/run_request.h"
#include "peal/run/executor.h"
#include "peal/tools/collective_run.h"

namespace peal {

// Throws Error for a request that cannot be carried out. The plan is for that executor, or for one
// of the request's platform where there is none.
[[nodiscard]] RunPlan make_run_plan(const RunRequest& request,
                                    std::unique_ptr<Executor> executor = nullptr);

// The number of ranks that --ranks or --devices ask for; Error if they disagree.
[[nodiscard]] int ranks_of(const RunRequest& request, int otherwise);

}  // namespace peal
