// SPDX-License-Identifier: Apache-2.0
// What ranks return to their caller, from the same process and from others.
#include "peal/launch/rank_results.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "peal/base/error.h"
#include "peal/collectives/collectives.h"
#include "peal/launch/launch.h"
#include "tests/support/program.h"

namespace peal {
namespace {

struct RankWidth {
  int rank = 0;
  double width = 0;
};
class WithoutDefault {  // has no default constructor
 public:
  explicit WithoutDefault(int value) : value_(value) {}
  [[nodiscard]] int value() const { return value_; }

 private:
  int value_;
};

static_assert(RankResult<int> && RankResult<bool> && RankResult<RankWidth> &&
              RankResult<WithoutDefault>);
static_assert(RankResult<std::vector<float>> && RankResult<std::vector<RankWidth>>);
static_assert(RankResult<std::string> && !RankResult<void> && !RankResult<std::vector<bool>>);
static_assert(!RankResult<int*> && !RankResult<std::string_view> && !RankResult<std::span<float>>);
static_assert(!RankResult<std::vector<std::string>> && !RankResult<std::vector<int*>>);

class RankResults : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Platforms, RankResults, testing::Values("a2a3sim", "shm"),
                         [](const testing::TestParamInfo<const char*>& test) {
                           return std::string(test.param);
                         });

TEST_P(RankResults, AreNumbers) {
  EXPECT_EQ(run_ranks<int>(GetParam(), 3, [](Team& team) { return 10 * team.rank(); }),
            (std::vector<int>{0, 10, 20}));
  EXPECT_EQ(run_ranks<bool>(GetParam(), 2, [](Team& team) { return team.rank() == 1; }),
            (std::vector<bool>{false, true}));
}

TEST_P(RankResults, AreStructs) {
  const std::vector<RankWidth> widths = run_ranks<RankWidth>(GetParam(), 2, [](Team& team) {
    return RankWidth{.rank = team.rank(), .width = 0.5 * team.size()};
  });
  ASSERT_EQ(widths.size(), 2u);
  EXPECT_EQ(widths[1].rank, 1);
  EXPECT_EQ(widths[1].width, 1.0);
  const std::vector<WithoutDefault> made = run_ranks<WithoutDefault>(
      GetParam(), 2, [](Team& team) { return WithoutDefault(team.rank() + 5); });
  ASSERT_EQ(made.size(), 2u);
  EXPECT_EQ(made[1].value(), 6);
}

TEST_P(RankResults, AreWhatACollectiveHasComputed) {
  const std::vector<std::vector<float>> sums =
      run_ranks<std::vector<float>>(GetParam(), 3, [](Team& team) {
        std::vector<float> mine(100, static_cast<float>(team.rank() + 1)), sum(100);
        all_reduce(team, {.send = mine, .recv = sum});
        return sum;
      });
  EXPECT_EQ(sums, std::vector<std::vector<float>>(3, std::vector<float>(100, 6)));
}

// Larger than the buffer of a pipe, and each rank another size.
TEST_P(RankResults, HaveAnySize) {
  const auto numbers = [](int rank) {
    std::vector<float> values(static_cast<std::size_t>(rank) << 20);  // 0, 4 and 8 MiB
    std::iota(values.begin(), values.end(), static_cast<float>(rank));
    return values;
  };
  const std::vector<std::vector<float>> results = run_ranks<std::vector<float>>(
      GetParam(), 3, [&](Team& team) { return numbers(team.rank()); });
  ASSERT_EQ(results.size(), 3u);
  for (int rank = 0; rank < 3; ++rank) {
    EXPECT_TRUE(results[static_cast<std::size_t>(rank)] == numbers(rank)) << rank;
  }
}

TEST_P(RankResults, AreStrings) {
  const std::vector<std::string> results = run_ranks<std::string>(
      GetParam(), 3, [](Team& team) { return std::string(team.rank() == 1 ? 0 : 3, 'x'); });
  EXPECT_EQ(results, (std::vector<std::string>{"xxx", "", "xxx"}));
  const auto with_zero = [](Team&) { return std::string("a\0b", 3); };
  EXPECT_EQ(run_ranks<std::string>(GetParam(), 1, with_zero).front(), std::string("a\0b", 3));
}

TEST_P(RankResults, AreNoneIfARankFails) {
  std::string why;
  std::vector<int> results{7};
  try {
    results = run_ranks<int>(GetParam(), 3, [](Team& team) {
      if (team.rank() == 1) throw RunError("no luck");
      return team.rank();
    });
  } catch (const RunError& error) {
    why = error.what();
  }
  EXPECT_NE(why.find("no luck"), std::string::npos) << why;
  EXPECT_EQ(results, std::vector<int>{7});
}

TEST_P(RankResults, AreNoneForAWrongNumberOfRanks) {
  const auto program = [](Team& team) { return team.rank(); };
  EXPECT_THROW(static_cast<void>(run_ranks<int>(GetParam(), 0, program)), UsageError);
  EXPECT_THROW(static_cast<void>(run_ranks<int>(GetParam(), -1, program)), UsageError);
  EXPECT_THROW(static_cast<void>(run_ranks<int>(GetParam(), 1 << 30, program)), UsageError);
}

TEST(RankResultsOfProcesses, TellOfALimitOfFiles) {
  EXPECT_EQ(code_of_child([] {
              constexpr rlim_t bytes = 64 << 20;
              try {
                static_cast<void>(run_ranks<std::string>("shm", 1, [](Team&) {
                  const rlimit limit{.rlim_cur = bytes, .rlim_max = bytes};
                  ::setrlimit(RLIMIT_FSIZE, &limit);
                  return std::string(bytes + 1, 'x');
                }));
              } catch (const RunError& error) {
                return std::string(error.what()) ==
                               "rank 0: run_ranks: the result of 67108865 bytes cannot be handed "
                               "to the caller: raise `ulimit -f` (RLIMIT_FSIZE), or return less"
                           ? 7
                           : 1;
              }
              return 0;
            }),
            7);
}

}  // namespace
}  // namespace peal
