// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/commands/bench_command.h"
#include "peal/tools/collective_bench.h"

namespace peal {

// Throws Error for a request that cannot be carried out.
[[nodiscard]] BenchPlan make_bench_plan(const BenchRequest& request);

}  // namespace peal
