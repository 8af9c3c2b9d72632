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

// A run and all that is known of it. Nothing that is made of it depends on the host's speed.
struct RunRecord {
  const RunRequest& request;
  const RunPlan& plan;
  const RunOutcome& outcome;
};

// What `peal run` prints: a headline, a line per rank, figures, the verdict.
[[nodiscard]] std::string run_text(const RunRecord& record);

// The same for programs.
[[nodiscard]] nlohmann::ordered_json run_json(const RunRecord& record);

// The same of a run that has failed.
[[nodiscard]] nlohmann::ordered_json failed_run_json(const RunRequest& request, const RunPlan& plan,
                                                     const FailedRun& failed);

// "PASS", "DONE" (values off) or "FAIL".
[[nodiscard]] const char* verdict(const RunRecord& record);

// One figure of each rank in a phrase: `6` where all agree, `3 (rank 0), 0 (ranks 1-3)` where that
// stays short, else `0..10, mean 0.999`.
[[nodiscard]] std::string per_rank_text(std::span<const std::uint64_t> figures);

}  // namespace peal
