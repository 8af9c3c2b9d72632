// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "peal/checks/rules/synchronisations.h"
#include "peal/search/check.h"

namespace peal {

// The result of leaving out one synchronisation.
struct Mutation {
  SyncUnit unit;
  // The first finding of the runs without it, and their number of ranks. nullopt: every run was
  // clean without it, so that it is not needed for these subjects.
  std::optional<Finding> caught_by;
  int ranks = 0;
};

struct MutationRequest {
  std::vector<CheckSubject> subjects;  // one kernel with various arguments, such as counts
  std::vector<int> ranks;
  CheckRequest check = {};
  std::function<bool(const FindingLine& line)> mutates;  // true: leave out lines like this one
  std::function<void(int done, int of)> progress = {};
};

// Mutation testing of synchronisations: leaves out each one that any run executes, one at a time,
// and checks every subject on every number of ranks without it, until a check has a finding.
[[nodiscard]] std::vector<Mutation> mutate(const MutationRequest& request);

}  // namespace peal
