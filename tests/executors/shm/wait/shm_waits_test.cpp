// SPDX-License-Identifier: Apache-2.0
// Waits that take too long, and what they say of the rank that keeps them waiting.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "peal/base/error.h"
#include "peal/collectives/collectives.h"
#include "peal/executors/shm/executor.h"
#include "peal/executors/shm/rank_device.h"
#include "peal/executors/shm/wait/team_watch.h"
#include "peal/launch/launch.h"
#include "peal/launch/platforms.h"

namespace peal {
namespace {

void expect_in(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << part << "\n--\n" << text;
}

// What each rank has said, in memory that outlives it.
struct Said {
  char text[1500] = {};
};

// Rank 1 is in the program's own code until the others have given up.
TEST(ShmWaits, NameTheRankThatIsInNone) {
  ::setenv("PEAL_TIMEOUT", "0.6", 1);
  ShmExecutor executor(load_platform("host"));
  auto* const said = reinterpret_cast<Said*>(executor.share(3 * sizeof(Said)).data());
  std::string all;
  try {
    executor.run(3,
                 [&](Team& team) {
                   peal::barrier(team);
                   if (team.rank() == 1) {
                     for (;;) ::pause();  // it is killed some seconds after the others have ended
                   }
                   try {
                     peal::barrier(team);
                   } catch (const std::exception& error) {
                     const std::string text = error.what();
                     said[team.rank()].text[text.copy(said[team.rank()].text, sizeof(Said) - 1)] =
                         '\0';
                     throw;
                   }
                 },
                 {});
  } catch (const RunError& error) {
    all = error.what();
  }
  ::unsetenv("PEAL_TIMEOUT");
  expect_in(all, " in barrier (tests/executors/shm/wait/shm_waits_test.cpp:");
  expect_in(all,
            "has waited 0.6 s for 1 more arrivals; rank 1 is in no wait: look what it does, or "
            "raise PEAL_TIMEOUT");
  EXPECT_EQ(all.find("ranks "), std::string::npos) << all;
  // Another one that waits is told of as such, with the line of its call.
  expect_in(all, " waits for 1 arrivals at `barrier dissemination signals[");
  EXPECT_EQ(all, said[0].text);
  EXPECT_EQ(all, said[2].text);
}

// Keeps the notes instead of writing them, and counts them.
class NotedWatch final : public ShmTeamWatch {
 public:
  NotedWatch(const ShmArena& arena, int rank, const WaitPolicy& policy, std::string& notes,
             std::atomic<int>& count)
      : ShmTeamWatch(arena, rank, policy), notes_(notes), count_(count) {}
  void tell(const std::string& note) override {
    notes_ += note;
    ++count_;
    count_.notify_all();
  }

 private:
  std::string& notes_;
  std::atomic<int>& count_;
};

TEST(ShmWaits, ANoteNamesTheRankThatIsInNone) {
  const ShmArena arena = ShmArena::make(3);
  const WaitPolicy policy{.pauses = 10, .yields = 10, .note_seconds = 1, .timeout_seconds = 60};
  const Platform platform = load_platform("host");
  std::vector<std::string> notes(3);
  std::atomic<int> count = 0;
  std::vector<std::jthread> threads;
  for (int rank = 0; rank < 3; ++rank) arena.rank(rank).state.store(RankState::running);
  for (int rank = 0; rank < 3; ++rank) {
    threads.emplace_back([&, rank] {
      NotedWatch watch(arena, rank, policy, notes[static_cast<std::size_t>(rank)], count);
      ShmMembership membership(arena, whole_team(arena, rank, watch, policy));
      watch.set_team(membership);
      ShmDevice device(membership, {});
      Team team(device, platform);
      peal::barrier(team);
      // Comes when both others have said that it does not.
      for (int seen = count; rank == 2 && seen < 2; seen = count) count.wait(seen);
      peal::barrier(team);
      arena.rank(rank).state.store(RankState::finished);
    });
  }
  threads.clear();
  for (int rank : {0, 1}) {
    const std::string& note = notes[static_cast<std::size_t>(rank)];
    expect_in(note, " in barrier (tests/executors/shm/wait/shm_waits_test.cpp:");
    expect_in(note, "so far for 1 more arrivals; rank 2 is in no wait: look what it does");
    expect_in(note,
              rank == 0 ? "\n  rank 1 waits for 1 arrivals" : "\n  rank 0 waits for 1 arrivals");
  }
}

// The rank that allocates first has stopped in the midst of that.
TEST(ShmWaits, AnAllocationThatDoesNotEndHasALimit) {
  const ShmArena arena = ShmArena::make(2);
  const WaitPolicy policy{.timeout_seconds = 0.2};
  ShmTeamWatch watch(arena, 0, policy);
  ShmMembership membership(arena, whole_team(arena, 0, watch, policy));
  AllocationRecord& record = arena.control().allocations.records[0];
  record.writer.store(2);
  record.state.store(1);
  try {
    static_cast<void>(membership.allocate("mine", 64));
    FAIL() << "it was allocated";
  } catch (const RunError& error) {
    EXPECT_STREQ(
        error.what(),
        "window `mine` of rank 0: rank 1, which allocates it first, has not ended that for "
        "0.2 s; look what it does, or raise PEAL_TIMEOUT");
  }
}

// All ranks say the same of a deadlock, with the lines of their calls.
TEST(ShmWaits, ADeadlockNamesTheCallsOfTheProgram) {
  std::string text;
  try {
    open_executor("shm")->run(2,
                              [](Team& team) {
                                const SignalRow row = team.device().allocate_signals("never", 1);
                                peal::barrier(team);
                                if (team.rank() == 0) peal::barrier(team);
                                if (team.rank() == 1) team.device().wait(row[0]);
                              },
                              {});
  } catch (const RunError& error) {
    text = error.what();
  }
  expect_in(text, "deadlock: 2 of 2 ranks wait");
  expect_in(text, "1 of them are missing in barrier (tests/executors/shm/wait/shm_waits_test.cpp:");
  expect_in(text, "rank 1 waits for 1 arrivals at `never[0]`, 1 of them are missing   tests/");
}

}  // namespace
}  // namespace peal
