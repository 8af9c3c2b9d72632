// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "cli/options/run_plan.h"
#include "cli/options/run_request.h"
#include "peal/tools/collective_run.h"
#include "peal/tools/failed_run.h"

namespace peal {

// A run with its request, plan and outcome. Reports made from it do not depend on the host's speed.
struct RunRecord {
  const RunRequest& request;
  const RunPlan& plan;
  const RunOutcome& outcome;
};

// The output of `peal run`: a headline, a line per rank, figures, the verdict.
[[nodiscard]] std::string run_text(const RunRecord& record);

// The same as JSON.
[[nodiscard]] nlohmann::ordered_json run_json(const RunRecord& record);

// The JSON of a run that has failed.
[[nodiscard]] nlohmann::ordered_json failed_run_json(const RunRequest& request, const RunPlan& plan,
                                                     const FailedRun& failed);

// "PASS", "DONE" (values off) or "FAIL".
[[nodiscard]] const char* verdict(const RunRecord& record);

// The values of one figure on all ranks as a phrase: `6` if all agree, `3 (rank 0), 0 (ranks 1-3)`
// if that is short, else `0..10, mean 0.999`.
[[nodiscard]] std::string per_rank_text(std::span<const std::uint64_t> figures);

}  // namespace peal
