// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "peal/executors/shm/memory/arena.h"
#include "peal/executors/shm/rank_device.h"
#include "peal/executors/shm/wait/team_watch.h"

namespace peal {

// Runs the arena's ranks as threads, whatever the host is like: the control block says how.
inline void run_ranks(const ShmArena& arena, const WaitPolicy& policy, std::uint32_t signal_start,
                      const std::function<void(Device&)>& program) {
  for (int rank = 0; rank < arena.ranks(); ++rank) {
    arena.rank(rank).state.store(RankState::running);
  }
  std::vector<std::thread> threads;
  for (int rank = 0; rank < arena.ranks(); ++rank) {
    threads.emplace_back([&, rank] {
      ShmTeamWatch watch(arena, rank, policy);
      ShmMembership membership(arena, whole_team(arena, rank, watch, policy));
      watch.set_team(membership);
      ShmDevice device(membership, {.signal_start = signal_start});
      program(device);
      arena.rank(rank).state.store(RankState::finished);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace peal
