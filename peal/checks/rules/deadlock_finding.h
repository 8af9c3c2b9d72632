// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "peal/checks/checker.h"
#include "peal/checks/finding.h"
#include "peal/run/deadlock.h"

namespace peal {

// What a deadlock says: a deadlock with those who wait and those who have notified them, and a
// wait that no number of notifies can satisfy.
[[nodiscard]] std::vector<Finding> deadlock_findings(const Deadlock& deadlock,
                                                     const Checker& checker);

}  // namespace peal
