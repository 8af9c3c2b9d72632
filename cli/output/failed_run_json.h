// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "peal/tools/failed_run.h"

namespace peal {

// Adds the verdict, the findings and how each of `ranks` ranks has ended.
void add_failed_run(nlohmann::ordered_json& json, const FailedRun& failed, int ranks);

// Adds what a rank did to its object.
void add_counts(nlohmann::ordered_json& json, const RankCounts& counts);

}  // namespace peal
