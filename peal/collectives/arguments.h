// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "peal/collectives/call_plan.h"

namespace peal {

// Checks one rank's arguments of a call and returns the number of elements of a block. Throws
// Error, with the values, for a root outside the team, types or lengths of send and recv that do
// not match, and a send and a recv that overlap without being in place.
[[nodiscard]] std::size_t check_arguments(const CallKind& call, int rank, int ranks);

}  // namespace peal
