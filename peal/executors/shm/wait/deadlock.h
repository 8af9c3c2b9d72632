// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "peal/executors/shm/memory/arena.h"
#include "peal/run/deadlock.h"

namespace peal {

// What each of these ranks sleeps in, when all of them sleep in waits that none of them can end any
// more; nothing otherwise. They have to be all that could notify one of them.
[[nodiscard]] std::vector<StandingCore> find_deadlock(const ShmArena& arena,
                                                      const std::vector<int>& ranks);

// What the rank sleeps in, where it does and has shown it.
[[nodiscard]] std::optional<StandingCore> find_sleep(const ShmArena& arena, int rank);

}  // namespace peal
