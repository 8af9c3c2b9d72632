// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "peal/checks/checker.h"
#include "peal/checks/finding.h"
#include "peal/run/deadlock.h"

namespace peal {

// The findings of a deadlock, which comes first: the cores that wait, who has notified them and who
// has not; then at most one wait that no number of notifies can satisfy (never_satisfied).
[[nodiscard]] std::vector<Finding> deadlock_findings(const Deadlock& deadlock,
                                                     const Checker& checker);

}  // namespace peal
