// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "peal/base/error.h"
#include "peal/collectives/registry.h"
#include "peal/executors/shm/executor.h"
#include "peal/executors/shm/processors.h"
#include "peal/executors/shm/wait/team_watch.h"
#include "peal/launch/launch.h"
#include "peal/launch/platforms.h"
#include "peal/machine/barrier.h"
#include "tests/support/collective_case.h"
#include "tests/support/slice.h"

namespace peal::tests {
namespace {

std::string failure_of(int ranks, const std::function<void(Team&)>& program) {
  try {
    ShmExecutor(load_platform("host")).run(ranks, program, {});
  } catch (const Error& error) {
    return error.what();
  }
  return "no failure";
}

std::size_t entries_of(const char* folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

// Every algorithm is a test of its own, so that the matrix runs in parallel.
class ShmAlgorithm : public testing::TestWithParam<int> {
 protected:
  [[nodiscard]] CollectiveCase case_of(int ranks, std::size_t count) const {
    const Algorithm& algorithm = algorithms()[static_cast<std::size_t>(GetParam())];
    return {.collective = algorithm.collective,
            .algorithm = algorithm.name,
            .ranks = ranks,
            .count = count};
  }
};

INSTANTIATE_TEST_SUITE_P(Registry, ShmAlgorithm,
                         testing::Range(0, static_cast<int>(algorithms().size())),
                         [](const testing::TestParamInfo<int>& test) {
                           const Algorithm& algorithm =
                               algorithms()[static_cast<std::size_t>(test.param)];
                           return std::string(name(algorithm.collective)) + "_" + algorithm.name;
                         });

// All calls of a number of ranks are made back to back on one team.
TEST_P(ShmAlgorithm, IsRightForAnyRanksAndCount) {
  ShmExecutor executor(load_platform("host"));
  for (int ranks : all_or_slice({1, 2, 3, 4, 7, 8, 16}, {1, 2, 3, 7})) {
    std::vector<CollectiveCase> calls;
    for (std::size_t count : {std::size_t{0}, std::size_t{1}, static_cast<std::size_t>(ranks) - 1,
                              std::size_t{7}, std::size_t{256}, std::size_t{1001}}) {
      for (bool in_place : {false, true}) {
        calls.push_back(case_of(ranks, count));
        calls.back().root = ranks / 2;
        calls.back().in_place = in_place;
        calls.back().salt = static_cast<int>(calls.size());
      }
    }
    // Counts may pass 2^31 and 2^32.
    constexpr std::uint32_t starts[] = {0, 0x7ffffffd, 0xfffffffd};
    EXPECT_EQ(run_cases(executor, calls, {.signal_start = starts[ranks % 3]}), "");
  }
}

TEST_P(ShmAlgorithm, IsRightForEveryTypeAndOperation) {
  ShmExecutor executor(load_platform("host"));
  std::vector<CollectiveCase> calls;
  for (DType dtype : all_dtypes) {
    for (ReduceOp op : all_reduce_ops) {
      calls.push_back(case_of(5, 37));
      calls.back().dtype = dtype;
      calls.back().op = op;
      calls.back().root = 4;
    }
  }
  EXPECT_EQ(run_cases(executor, calls), "");
}

TEST_P(ShmAlgorithm, IsRightForBuffersLargerThanTiles) {
  ShmExecutor executor(load_platform("host"));
  CollectiveCase test = case_of(3, 50021);
  test.root = 2;
  EXPECT_EQ(run_case(executor, test), "");
}

TEST(Shm, ThreadsOverOneMappingAreRight) {
  ShmExecutor executor(load_platform("host"), ShmExecutor::Ranks::threads);
  for (int ranks : {2, 4}) {
    std::vector<CollectiveCase> calls;
    for (const Algorithm& algorithm : algorithms()) {
      for (std::size_t count : {std::size_t{1}, std::size_t{1001}}) {
        calls.push_back({.collective = algorithm.collective,
                         .algorithm = algorithm.name,
                         .ranks = ranks,
                         .count = count});
      }
    }
    EXPECT_EQ(run_cases(executor, calls), "");
  }
}

TEST(Shm, ManyCallsInARow) {
  ShmExecutor executor(load_platform("host"));
  for (int ranks : {2, 16}) {
    std::vector<CollectiveCase> calls(
        ranks == 2 ? 2000 : 200,
        {.collective = Collective::all_reduce, .ranks = ranks, .count = 3});
    for (std::size_t i = 0; i < calls.size(); ++i) calls[i].salt = static_cast<int>(i % 1000);
    EXPECT_EQ(run_cases(executor, calls), "");
  }
}

TEST(Shm, CombinesIntoAPeersMemoryElementByElement) {
  ShmExecutor executor(load_platform("host"));
  const auto result = executor.share(sizeof(std::int32_t) * 8);
  executor.run(4,
               [&](Team& team) {
                 const View sum = team.allocate(8, DType::i32), mine = team.allocate(8, DType::i32);
                 const SignalRow done = team.device().allocate_signals("done", 1);
                 auto* const own = reinterpret_cast<std::int32_t*>(mine.data);
                 std::iota(own, own + 8, team.rank());
                 for (int i = 0; i < 1000; ++i) {
                   team.device().put_reduce(Rank{0}, sum, mine, ReduceOp::sum);
                 }
                 team.device().notify(Rank{0}, done[0]);
                 if (team.rank() != 0) return;
                 team.device().wait(done[0], 4);
                 std::copy_n(sum.data, sum.size_bytes(), result.data());
               },
               {});
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(reinterpret_cast<const std::int32_t*>(result.data())[i], 1000 * (4 * i + 6));
  }
}

TEST(Shm, AllocationsAreComparedBetweenRanks) {
  const std::string text = failure_of(2, [](Team& team) {
    const SignalRow row = team.device().allocate_signals("s", 1);
    const std::size_t bytes = team.rank() == 0 ? 64 : 128;
    static_cast<void>(team.device().allocate("w", bytes));
    team.device().wait(row[0]);
  });
  EXPECT_NE(text.find(" is allocation 1 of rank "), std::string::npos) << text;
  EXPECT_NE(text.find("make the same allocations in the same order on every rank"),
            std::string::npos);
}

TEST(Shm, OnlyWindowsCanBeAddressedByPeers) {
  const std::string text = failure_of(2, [](Team& team) {
    std::vector<float> mine(4);
    const View view = View::of(std::span(mine));
    team.device().put(Rank{1 - team.rank()}, view, view);
  });
  EXPECT_NE(text.find("put on rank"), std::string::npos) << text;
  EXPECT_NE(text.find("are not in a window"), std::string::npos) << text;
}

// Rank 1 ends in some way while the others wait for it, directly or not.
std::string failure_when(const std::function<void()>& end) {
  return failure_of(4, [&end](Team& team) {
    const SignalRow row = team.device().allocate_signals("never", 1);
    if (team.rank() == 1) end();
    if (team.rank() != 1) team.device().wait(row[0]);
  });
}

TEST(Shm, ARankThatEndsEndsTheOthersWaitsWithItsName) {
  const auto begin = std::chrono::steady_clock::now();
  const std::string killed = failure_when([] { ::raise(SIGKILL); });
  EXPECT_TRUE(killed.starts_with("rank 1 (process ")) << killed;
  EXPECT_NE(killed.find("was killed by signal 9"), std::string::npos) << killed;
  const std::string exited = failure_when([] { ::_exit(7); });
  EXPECT_NE(exited.find("exited with code 7 before its end"), std::string::npos) << exited;
  EXPECT_EQ(failure_when([] { throw std::runtime_error("no more"); }), "rank 1: no more");
  EXPECT_EQ(failure_when([] { throw 7; }), "rank 1: it throws what is no std::exception");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  EXPECT_LT(took.count(), 60);  // and not PEAL_TIMEOUT's 300 each
}

TEST(Shm, RanksThatAllWaitAreToldWhatFor) {
  const auto begin = std::chrono::steady_clock::now();
  const std::string text = failure_of(3, [](Team& team) {
    const SignalRow row = team.device().allocate_signals("never", 2);
    team.device().notify(Rank{(team.rank() + 1) % 3}, row[1]);
    team.device().wait(row[1]);
    if (team.rank() != 2) team.device().wait(row[1], 2);
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  EXPECT_LT(took.count(), 60);  // and not PEAL_TIMEOUT's 300
  EXPECT_NE(
      text.find(
          "deadlock: 2 of 3 ranks wait and nobody can wake them\n  rank 0 waits for 2 "
          "arrivals at `never[1]`, 2 of them are missing   tests/executors/shm/shm_test.cpp:"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("\n  rank 1 waits for 2 arrivals at `never[1]`"), std::string::npos) << text;
  EXPECT_NE(text.find("\n  rank 2 has finished"), std::string::npos) << text;
  EXPECT_EQ(text.find("all ranks of a team"), std::string::npos) << text;
}

// Both kinds of calls have been made before, so that no rank allocates anything more.
TEST(Shm, WindowsOnSomeRanksAndNotOnOthersAreTold) {
  const std::string text = failure_of(2, [](Team& team) {
    constexpr std::size_t count = 100'000;
    const std::span<float> window = team.allocate<float>(count), sum = team.allocate<float>(count);
    std::vector<float> mine(count), own(count);
    for (int call = 0; call < 3; ++call) {
      all_reduce(team, {.send = window, .recv = sum, .algorithm = "window_push"});
      all_reduce(team, {.send = mine, .recv = own});
    }
    if (team.rank() == 0) {
      all_reduce(team, {.send = window, .recv = sum, .algorithm = "window_push"});
    }
    if (team.rank() == 1) all_reduce(team, {.send = mine, .recv = own});
  });
  EXPECT_NE(text.find("deadlock: 2 of 2 ranks wait and nobody can wake them\n  rank 0 waits for 1 "
                      "arrivals at `all_reduce "),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\n  all_reduce: rank 0 calls it with algorithm window_push "
                      "(tests/executors/shm/shm_test.cpp:"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("make the same call, each with buffers in windows on all ranks or on none"),
            std::string::npos)
      << text;
}

// Ranks that wait where another one does move, and are then free to be anywhere again.
TEST(Shm, ARankThatWaitsOnAnothersProcessorMoves) {
  cpu_set_t allowed, after;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(allowed), &allowed), 0);
  if (usable_processors() < 2) GTEST_SKIP() << "there is one processor";
  const ShmArena arena = ShmArena::make(2);
  for (const bool may_spread : {false, true}) {
    ShmTeamWatch watch(arena, 1, {.is_oversubscribed = !may_spread});
    arena.rank(0).processor.store(::sched_getcpu() + 1);
    watch.before_yields();
    EXPECT_EQ(arena.rank(1).processor.load() != 0, may_spread);
    EXPECT_NE(arena.rank(1).processor.load(), arena.rank(0).processor.load());
    ASSERT_EQ(::sched_getaffinity(0, sizeof(after), &after), 0);
    EXPECT_TRUE(CPU_EQUAL(&allowed, &after));
  }
}

// All are refused, whoever comes first, and the next allocation is right again.
TEST(Shm, AnAllocationThatDoesNotFitIsRefusedOnEveryRank) {
  const auto program = [](Team& team) {
    for (int round = 0; round < 100; ++round) {
      try {
        static_cast<void>(team.device().allocate("large", std::size_t{1} << 40));
        throw std::runtime_error("it fits");
      } catch (const Error& error) {
        const std::string text = error.what();
        if (!text.starts_with("window `large` of 1099511627776 bytes does not fit into the ")) {
          throw std::runtime_error(text);
        }
      }
      const Window window = team.device().allocate("small", 64);
      *reinterpret_cast<int*>(window.view(0, 1, DType::i32).data) = team.rank();
      barrier(team);
    }
    try {
      static_cast<void>(team.device().allocate_signals("many", 1 << 30));
      throw std::runtime_error("they fit");
    } catch (const Error&) {
    }
  };
  for (int run = 0; run < 5; ++run) EXPECT_EQ(failure_of(3, program), "no failure");
}

TEST(Shm, AMistakeOfTheCallerStaysOne) {
  ShmExecutor executor(load_platform("host"));
  const auto program = [](Team& team) {
    std::vector<float> mine(4);
    all_reduce(team, {.send = mine, .recv = std::span(mine).first(team.rank() == 0 ? 3 : 4)});
  };
  try {
    executor.run(2, program, {});
    FAIL() << "it has run";
  } catch (const RunError& error) {
    FAIL() << error.what();
  } catch (const Error& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with("rank 0: all_reduce on rank 0: send holds 4"))
        << error.what();
  }
}

TEST(Shm, AWaitHasALimit) {
  ::setenv("PEAL_TIMEOUT", "0.3", 1);
  const std::string text =
      failure_when([] { std::this_thread::sleep_for(std::chrono::seconds(2)); });
  ::setenv("PEAL_TIMEOUT", "soon", 1);
  const std::string wrong = failure_when([] {});
  ::unsetenv("PEAL_TIMEOUT");
  EXPECT_NE(
      text.find("has waited 0.3 s for 1 more arrivals; rank 1 is in no wait: look what it does, or "
                "raise PEAL_TIMEOUT\n  rank "),
      std::string::npos)
      << text;
  EXPECT_EQ(wrong, "PEAL_TIMEOUT is `soon`; give a number of seconds above 0");
}

TEST(Shm, AStoppedRankIsNoError) {
  ShmExecutor executor(load_platform("host"));
  const auto program = [](Team& team) {
    const SignalRow row = team.device().allocate_signals("s", barrier_rounds(2));
    if (team.rank() == 1) {
      // Somebody goes on with it later.
      const pid_t self = ::getpid();
      if (::fork() == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(700));
        ::kill(self, SIGCONT);
        ::_exit(0);
      }
      ::raise(SIGSTOP);
    }
    barrier(team.device(), row);
  };
  EXPECT_GE(executor.run(2, program, {}).time_ps, 500'000'000'000);
}

TEST(Shm, NothingStaysBehind) {
  const std::size_t files = entries_of("/proc/self/fd"), shared = entries_of("/dev/shm");
  for (int i = 0; i < 20; ++i) {
    static_cast<void>(failure_when([] { ::raise(SIGKILL); }));
    ShmExecutor executor(load_platform("host"));
    EXPECT_EQ(run_case(executor, {.collective = Collective::all_reduce, .ranks = 3, .count = 9}),
              "");
  }
  EXPECT_EQ(entries_of("/proc/self/fd"), files);
  EXPECT_EQ(entries_of("/dev/shm"), shared);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);  // no process is left
}

TEST(Shm, RefusesWhatOnlyASimulationCanDo) {
  const auto executor = open_executor("shm");
  const auto nothing = [](Team&) {};
  EXPECT_THROW(executor->run(2, nothing, {.schedule = "random:1"}), Error);
  EXPECT_THROW(executor->run(0, nothing, {}), Error);
  EXPECT_THROW(static_cast<void>(simulated_target("shm")), Error);
}

}  // namespace
}  // namespace peal::tests
