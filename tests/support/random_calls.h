// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "peal/machine/team.h"

namespace peal::tests {

// Makes so many calls in a row, of random collectives, algorithms and sizes, by a rank that is held
// up at random; the seed is the same on every rank. Empty, or the first element that differs.
[[nodiscard]] std::string run_random_calls(Team& team, int calls, unsigned seed);

}  // namespace peal::tests
