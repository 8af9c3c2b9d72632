// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "peal/checks/rules/synchronisations.h"
#include "peal/search/check.h"

namespace peal {

// What happened when one synchronisation was left out.
struct Mutation {
  SyncUnit unit;
  // The first finding of the runs without it, and how many ranks it took; nothing where all runs
  // were right and in order without it, so that it can go.
  std::optional<Finding> caught_by;
  int ranks = 0;
};

struct MutationRequest {
  std::vector<CheckSubject> subjects;  // of one kernel: other counts, say
  std::vector<int> ranks;
  CheckRequest check = {};
  std::function<bool(const std::string& file)> mutates;  // whether lines of this file are meant
  std::function<void(int done, int of)> progress = {};
};

// Leaves out each synchronisation that any of the runs meets, one at a time, and runs every subject
// on every number of ranks without it, until one is caught.
[[nodiscard]] std::vector<Mutation> mutate(const MutationRequest& request);

}  // namespace peal
