// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "peal/run/device_driver.h"

namespace peal {

// Marks those arrays of a task's members, the first of which is in a domain of so many ranks, that
// all ranks can take to lie in windows (TaskArgument::in_windows). How a collective is carried out
// depends on it, so all have to come to the same result.
void mark_windows(std::vector<TaskMember>& members, std::size_t ranks);

}  // namespace peal
