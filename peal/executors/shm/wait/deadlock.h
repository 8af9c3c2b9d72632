// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "peal/executors/shm/memory/arena.h"
#include "peal/run/deadlock.h"

namespace peal {

// Returns the wait of each rank if they are in a deadlock; empty if that is not proven. `ranks`
// must be all ranks that could still notify one of them. Never reports a deadlock that is none: the
// proof is in deadlock.cpp. Lock-free; the ranks need not stop for it.
[[nodiscard]] std::vector<StandingCore> find_deadlock(const ShmArena& arena,
                                                      const std::vector<int>& ranks);

// The wait that the rank sleeps in; nullopt if it does not sleep, has not published its wait yet,
// or has what it waits for.
[[nodiscard]] std::optional<StandingCore> find_sleep(const ShmArena& arena, int rank);

}  // namespace peal
