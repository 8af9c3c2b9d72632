// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "peal/collectives/scratch.h"

namespace peal {

// Checks one rank's arguments of a call and returns the count of elements in a block. Throws Error
// with the values: root outside the team, types or lengths that do not fit together, send and recv
// that overlap in part.
[[nodiscard]] std::size_t check_arguments(const CallKind& call, int rank, int ranks);

}  // namespace peal
