// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "cli/check_request.h"
#include "peal/search/check.h"

namespace peal {

// What is to be checked, and on how many ranks.
struct CheckPlan {
  CheckSubject subject;
  std::vector<int> ranks;
};

// Throws Error for a request that cannot be carried out.
[[nodiscard]] CheckPlan make_check_plan(const CheckCommandRequest& request);

}  // namespace peal
