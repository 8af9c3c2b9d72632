// SPDX-License-Identifier: Apache-2.0
// Every algorithm with ranks that are threads, so that the thread sanitizer sees what ranks do to
// each other's memory. What it finds ends the program.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "peal/collectives/registry.h"
#include "peal/collectives/scratch.h"
#include "peal/executors/shm/executor.h"
#include "peal/launch/platforms.h"
#include "tests/support/collective_case.h"
#include "tests/support/random_calls.h"
#include "tests/support/window_case.h"

namespace peal::tests {
namespace {

constexpr int rank_counts[] = {1, 2, 3, 4, 7};

class ThreadRanks : public testing::Test {
 protected:
  static CollectiveCase case_of(const Algorithm& algorithm, int ranks, std::size_t count) {
    return {.collective = algorithm.collective,
            .algorithm = algorithm.name,
            .ranks = ranks,
            .count = count};
  }

  ShmExecutor executor_{load_platform("host"), ShmExecutor::Ranks::threads};
};

// All calls of a number of ranks are made back to back on one team.
TEST_F(ThreadRanks, AreRightForAnyRanksAndCount) {
  for (const Algorithm& algorithm : algorithms()) {
    for (int ranks : rank_counts) {
      std::vector<CollectiveCase> calls;
      for (std::size_t count : {std::size_t{0}, std::size_t{1}, static_cast<std::size_t>(ranks) - 1,
                                std::size_t{13}, std::size_t{256}, std::size_t{1001}}) {
        for (bool in_place : {false, true}) {
          calls.push_back(case_of(algorithm, ranks, count));
          calls.back().root = ranks / 2;
          calls.back().in_place = in_place;
          calls.back().salt = static_cast<int>(calls.size());
        }
      }
      // Counts may pass 2^31 and 2^32.
      constexpr std::uint32_t starts[] = {0, 0x7ffffffd, 0xfffffffd};
      EXPECT_EQ(run_cases(executor_, calls, {.signal_start = starts[ranks % 3]}), "");
    }
  }
}

TEST_F(ThreadRanks, AreRightForEveryTypeAndOperation) {
  for (const Algorithm& algorithm : algorithms()) {
    std::vector<CollectiveCase> calls;
    for (DType dtype : all_dtypes) {
      for (ReduceOp op : all_reduce_ops) {
        if (op != ReduceOp::sum && !shape(algorithm.collective, 3).has_op) continue;
        calls.push_back(case_of(algorithm, 3, 37));
        calls.back().dtype = dtype;
        calls.back().op = op;
        calls.back().root = 2;
      }
    }
    EXPECT_EQ(run_cases(executor_, calls), "");
  }
}

// Longer than one launch takes, so that pieces follow each other; and twice in a row.
TEST_F(ThreadRanks, AreRightForSeveralPieces) {
  constexpr int ranks = 3;
  const Placement nowhere{};
  for (const Algorithm& algorithm : algorithms()) {
    if (algorithm.collective == Collective::barrier) continue;
    const std::size_t piece =
        longest_piece(algorithm, ranks, DType::f32, nowhere, executor_.platform());
    CollectiveCase test = case_of(algorithm, ranks, piece + piece / 3 + 1);
    ASSERT_EQ(launch_count(algorithm, ranks, test.count, DType::f32, nowhere, executor_.platform()),
              2u);
    std::vector<CollectiveCase> calls(2, test);
    calls.back().salt = 5;
    EXPECT_EQ(run_cases(executor_, calls), "");
  }
}

TEST_F(ThreadRanks, AreRightForBuffersAnywhereInWindows) {
  for (const Algorithm& algorithm : algorithms()) {
    if (!algorithm.needs.send_in_window && !algorithm.needs.recv_in_window) continue;
    for (int ranks : rank_counts) {
      const std::vector<CollectiveCase> calls = window_cases(algorithm, ranks);
      for (Where where : {Where::alike, Where::apart, Where::in_place}) {
        EXPECT_EQ(run_in_windows(executor_, calls, where), "");
      }
    }
  }
}

TEST_F(ThreadRanks, AreRightForRandomCallsInARow) {
  unsigned seed = 1;
  for (const auto& [ranks, calls] : {std::pair{2, 600}, std::pair{3, 300}, std::pair{7, 80}}) {
    const auto program = [&, count = calls](Team& team) {
      return run_random_calls(team, count, seed);
    };
    EXPECT_EQ(run_texts(executor_, ranks, program), "");
    ++seed;
  }
}

}  // namespace
}  // namespace peal::tests
