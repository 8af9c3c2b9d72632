// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "peal/run/device_driver.h"

namespace peal {

// Sets TaskArgument::in_windows of those arrays of a group whose counterparts on all ranks lie in
// windows, too. A collective chooses its algorithm by that property, and all ranks have to choose
// alike; so it is determined here, where the arguments of all members are known. `ranks` is the
// size of the first member's domain; nothing is marked unless the group is that whole domain.
void mark_windows(std::vector<TaskMember>& members, std::size_t ranks);

}  // namespace peal
