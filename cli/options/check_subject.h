// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/options/check_request.h"
#include "peal/search/check.h"

namespace peal {

// What `peal check` checks, and on which numbers of ranks.
struct CheckPlan {
  CheckSubject subject;
  std::vector<int> ranks;
  std::vector<std::string> notes;  // on options that have no effect
  // For --mutate: the subject with several counts and more calls, and a predicate that selects the
  // source files whose lines are mutated.
  std::vector<CheckSubject> mutation_subjects;
  std::function<bool(const FindingLine& line)> mutates;
};

// Makes the plan of a request. Throws Error for a request that cannot be carried out.
[[nodiscard]] CheckPlan make_check_plan(const CheckCommandRequest& request);

}  // namespace peal
