// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/collectives.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "peal/base/error.h"
#include "peal/base/random.h"
#include "peal/collectives/registry.h"
#include "peal/launch/launch.h"
#include "tests/support/collective_case.h"

namespace peal::tests {
namespace {

std::unique_ptr<Executor> simulator() { return open_executor("a2a3sim"); }

// Every algorithm is a test of its own, so that the matrix runs in parallel.
class EveryAlgorithm : public testing::TestWithParam<int> {
 protected:
  const Algorithm& algorithm() const { return algorithms()[static_cast<std::size_t>(GetParam())]; }
  CollectiveCase case_of(int ranks, std::size_t count) const {
    return {.collective = algorithm().collective,
            .algorithm = algorithm().name,
            .ranks = ranks,
            .count = count};
  }
};

INSTANTIATE_TEST_SUITE_P(Registry, EveryAlgorithm,
                         testing::Range(0, static_cast<int>(algorithms().size())),
                         [](const testing::TestParamInfo<int>& test) {
                           const Algorithm& algorithm =
                               algorithms()[static_cast<std::size_t>(test.param)];
                           return std::string(name(algorithm.collective)) + "_" + algorithm.name;
                         });

TEST_P(EveryAlgorithm, IsRightForAnyRanksAndCount) {
  const auto executor = simulator();
  for (int ranks : {1, 2, 3, 4, 5, 7, 8, 16, 33}) {
    for (std::size_t count : {std::size_t{0}, std::size_t{1}, static_cast<std::size_t>(ranks) - 1,
                              std::size_t{7}, std::size_t{256}, std::size_t{1001}}) {
      CollectiveCase test = case_of(ranks, count);
      test.root = ranks / 2;
      EXPECT_EQ(run_case(*executor, test), "");
      test.in_place = true;
      EXPECT_EQ(run_case(*executor, test), "");
    }
  }
}

TEST_P(EveryAlgorithm, IsRightForEveryTypeAndOperation) {
  const auto executor = simulator();
  for (DType dtype : all_dtypes) {
    for (ReduceOp op : all_reduce_ops) {
      CollectiveCase test = case_of(5, 37);
      test.dtype = dtype;
      test.op = op;
      test.root = 4;
      EXPECT_EQ(run_case(*executor, test), "");
    }
  }
}

TEST_P(EveryAlgorithm, IsRightForBuffersLargerThanTiles) {
  const auto executor = simulator();
  CollectiveCase test = case_of(3, 50021);
  test.root = 2;
  EXPECT_EQ(run_case(*executor, test), "");
}

TEST_P(EveryAlgorithm, IsRightWhenCutIntoPieces) {
  const auto executor = simulator();
  CollectiveCase test = case_of(2, 3 * 1024 * 1024 + 5);
  test.root = 1;
  if (test.collective == Collective::barrier) return;
  const CollectiveShape blocks = shape(test.collective, 2);
  // One sampled element of each piece: a full comparison of so much data belongs to the release
  // build's command line.
  std::vector<CaseBuffers> buffers = {make_buffers(test, 0), make_buffers(test, 1)};
  executor->run(
      2, [&](Team& team) { call(team, test, buffers[static_cast<std::size_t>(team.rank())]); }, {});
  for (int rank = 0; rank < 2; ++rank) {
    if (!receives(test.collective, rank, test.root)) continue;
    const auto* recv =
        reinterpret_cast<const float*>(buffers[static_cast<std::size_t>(rank)].recv.data());
    const std::size_t elements = static_cast<std::size_t>(blocks.recv_blocks) * test.count;
    for (std::size_t i = 0; i < elements; i += 4099) {
      ASSERT_EQ(recv[i], test.expected(rank, i)) << test.describe() << " element " << i;
    }
    ASSERT_EQ(recv[elements - 1], test.expected(rank, elements - 1)) << test.describe();
  }
}

TEST_P(EveryAlgorithm, IsRightWhenCountsWrap) {
  const auto executor = simulator();
  for (std::uint32_t start : {0x7ffffffdu, 0xfffffffdu}) {
    RunOptions options{.signal_start = start};
    std::vector<CaseBuffers> buffers;
    CollectiveCase test = case_of(4, 9);
    for (int rank = 0; rank < 4; ++rank) buffers.push_back(make_buffers(test, rank));
    executor->run(
        4,
        [&](Team& team) {
          CaseBuffers& own = buffers[static_cast<std::size_t>(team.rank())];
          for (int repeat = 0; repeat < 12; ++repeat) call(team, test, own);
        },
        options);
    for (int rank = 0; rank < 4; ++rank) {
      EXPECT_EQ(difference(test, rank, buffers[static_cast<std::size_t>(rank)]), "");
    }
  }
}

// Slots of a half lie elsewhere when the count differs from that of its last use.
TEST_P(EveryAlgorithm, IsRightInARowWithOtherCounts) {
  const auto executor = simulator();
  for (int seed = 0; seed < 60; ++seed) {
    const int ranks = 2 + seed % 6;
    std::vector<CollectiveCase> calls;
    for (int i = 0; i < 5; ++i) {
      calls.push_back(case_of(ranks, static_cast<std::size_t>(1 + (seed * 37 + i * 91) % 250)));
      calls.back().salt = i;
      calls.back().root = seed % ranks;
    }
    ASSERT_EQ(run_cases(*executor, calls, {.schedule = fmt::format("random:{}", seed)}), "")
        << "seed " << seed;
  }
}

CollectiveCase random_case(Random& random, int ranks, std::uint64_t max_count) {
  const auto all = algorithms();
  const Algorithm& algorithm = all[random.below(all.size())];
  CollectiveCase test;
  test.collective = algorithm.collective;
  test.algorithm = random.below(4) == 0 ? "auto" : algorithm.name;
  test.ranks = ranks;
  test.count = random.below(max_count);
  test.dtype = all_dtypes[random.below(std::size(all_dtypes))];
  test.op = all_reduce_ops[random.below(std::size(all_reduce_ops))];
  test.root = static_cast<int>(random.below(static_cast<std::uint64_t>(ranks)));
  test.in_place = random.below(3) == 0;
  test.salt = static_cast<int>(random.below(1000));
  return test;
}

// Calls that follow one another at once on one team, in schedules in which anything may be late.
TEST(Collectives, MixedCallsInARowAreRightInRandomSchedules) {
  const auto executor = simulator();
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const int ranks = static_cast<int>(1 + random.below(6));
    std::vector<CollectiveCase> calls;
    const bool one_algorithm = seed % 3 == 0;  // reuse of one scratch is the hard case
    for (int i = 0; i < (one_algorithm ? 5 : 3); ++i) {
      calls.push_back(random_case(random, ranks, 300));
      if (one_algorithm && i > 0) {
        calls.back().collective = calls.front().collective;
        calls.back().algorithm = calls.front().algorithm;
        if (seed % 2 == 0) calls.back().root = calls.front().root;
      }
    }
    ASSERT_EQ(run_cases(*executor, calls, {.schedule = fmt::format("random:{}", seed)}), "")
        << "seed " << seed;
  }
}

TEST(Collectives, RandomSizesAreRight) {
  const auto executor = simulator();
  Random random(7);
  for (int i = 0; i < 150; ++i) {
    const CollectiveCase test = random_case(random, static_cast<int>(1 + random.below(20)), 3000);
    ASSERT_EQ(run_case(*executor, test), "");
  }
}

TEST(Collectives, SendIsUntouchedAndMayBeRewrittenAtOnce) {
  const auto executor = simulator();
  for (const Algorithm& algorithm : algorithms()) {
    const int ranks = 5;
    std::vector<std::vector<float>> results(ranks);
    executor->run(ranks,
                  [&](Team& team) {
                    CollectiveCase test{.collective = algorithm.collective,
                                        .algorithm = algorithm.name,
                                        .ranks = ranks,
                                        .count = 100};
                    CaseBuffers buffers = make_buffers(test, team.rank());
                    const std::vector<std::byte> before = buffers.send;
                    call(team, test, buffers);
                    EXPECT_EQ(buffers.send, before) << test.describe();
                    std::fill(buffers.send.begin(), buffers.send.end(), std::byte{0xff});
                    EXPECT_EQ(difference(test, team.rank(), buffers), "");
                    std::fill(buffers.recv.begin(), buffers.recv.end(), std::byte{0xff});
                  },
                  {.schedule = "random:3"});
  }
}

// What is const can be sent, and nothing can be received into it.
template <class T>
constexpr bool can_be_sent = std::is_constructible_v<ConstElements, T>;
template <class T>
constexpr bool can_receive = std::is_constructible_v<Elements, T>;

static_assert(can_be_sent<const std::vector<float>&> && !can_receive<const std::vector<float>&>);
static_assert(can_be_sent<std::span<const float>> && !can_receive<std::span<const float>>);
static_assert(can_be_sent<const float (&)[4]> && !can_receive<const float (&)[4]>);
static_assert(can_be_sent<ConstView> && !can_receive<ConstView>);
static_assert(can_be_sent<std::vector<float>&> && can_receive<std::vector<float>&>);
static_assert(can_be_sent<std::span<float>> && can_receive<std::span<float>>);
static_assert(can_be_sent<const std::span<float>&> && can_receive<const std::span<float>&>);
static_assert(can_be_sent<View> && can_receive<View>);
static_assert(can_be_sent<Elements> && !can_receive<ConstElements>);
static_assert(std::is_convertible_v<View, ConstView> && !std::is_constructible_v<View, ConstView>);

TEST(Collectives, AcceptVectorsAndSpans) {
  run_ranks("a2a3sim", 3, [](Team& team) {
    const std::vector<std::int32_t> mine(4, team.rank() + 1);
    std::vector<std::int32_t> sum(4), all(12);
    all_reduce(team, {.send = mine, .recv = sum, .algorithm = "ring"});
    all_gather(team, {.send = std::span(mine), .recv = all});
    EXPECT_EQ(sum, std::vector<std::int32_t>(4, 6));
    EXPECT_EQ(all, (std::vector<std::int32_t>{1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3}));
    const ConstView read_only = ConstView::of(std::span(mine)).part(1, 2);
    all_reduce(team, {.send = read_only, .recv = std::span(sum).first(2)});
    run_collective(team, {.collective = Collective::all_reduce,
                          .send = read_only,
                          .recv = View::of(std::span(sum).last(2))});
    EXPECT_EQ(sum, std::vector<std::int32_t>(4, 6));
    EXPECT_EQ(mine, std::vector<std::int32_t>(4, team.rank() + 1));
    barrier(team);
  });
}

std::string message_of(const std::function<void(Team&)>& program) {
  try {
    run_ranks("a2a3sim", 4, program);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Collectives, RefuseArgumentsThatDoNotFit) {
  std::vector<float> four(4), five(5), eight(8);
  std::vector<double> wide(4);
  EXPECT_EQ(
      message_of([&](Team& team) { broadcast(team, {.send = four, .recv = four, .root = 7}); }),
      "broadcast: root 7 is not one of the 4 ranks 0..3");
  EXPECT_EQ(message_of([&](Team& team) { all_reduce(team, {.send = four, .recv = five}); }),
            "all_reduce on rank 0: send holds 4 elements and recv 5; for blocks of 5 give 5 and 5");
  EXPECT_EQ(message_of([&](Team& team) { all_gather(team, {.send = four, .recv = five}); }),
            "all_gather on rank 0: recv holds 5 elements; give a multiple of the 4 ranks");
  EXPECT_EQ(message_of([&](Team& team) { all_reduce(team, {.send = four, .recv = wide}); }),
            "all_reduce on rank 0: send is f32 and recv is f64; give one type");
  EXPECT_EQ(message_of([&](Team& team) {
              all_reduce(team, {.send = std::span(eight).first(4),
                                .recv = std::span(eight).subspan(2, 4)});
            }),
            "all_reduce on rank 0: send and recv overlap in part; for in place give the same for "
            "both, else memory apart");
  // It is only rank 0's own block that begins where the longer one does.
  EXPECT_EQ(message_of([&](Team& team) {
              all_gather(team, {.send = std::span(eight).first(2), .recv = eight});
            }),
            "all_gather on rank 1: send and recv overlap in part; for in place give block 1 of the "
            "longer one as the shorter, else memory apart");
  EXPECT_EQ(message_of([&](Team& team) {
              all_reduce(team, {.send = four, .recv = four, .algorithm = "tree"});
            }),
            "all_reduce: algorithm `tree` is unknown; use auto or one of one_phase, two_phase, "
            "ring, bidirectional_ring, recursive_doubling, halving_doubling, push, window_pull, "
            "window_push, packet");
}

TEST(Collectives, RefuseAnUnknownAlgorithmForNothingToo) {
  EXPECT_EQ(message_of([&](Team& team) {
              broadcast(team, {.send = {}, .recv = {}, .algorithm = "star"});
            }),
            "broadcast: algorithm `star` is unknown; use auto or one of direct, fifo, tree, "
            "scatter_all_gather, window_pull, packet");
}

TEST(Collectives, DoNotLookAtWhatARankNeitherSendsNorReceives) {
  for (const char* algorithm : {"direct", "tree"}) {
    std::vector<float> sum(4);
    run_ranks("a2a3sim", 4, [&](Team& team) {
      const std::vector<float> mine(4, 1.0f);
      std::vector<double> other(team.rank() == 2 ? 0 : 3);
      const Elements recv = team.rank() == 2 ? Elements(sum) : Elements(other);
      reduce(team, {.send = mine, .recv = recv, .root = 2, .algorithm = algorithm});
    });
    EXPECT_EQ(sum, std::vector<float>(4, 4.0f)) << algorithm;
  }
}

TEST(Collectives, RefuseATeamThatIsBroken) {
  std::string message;
  run_ranks("a2a3sim", 2, [&](Team& team) {
    std::vector<float> data(4);
    team.abort();
    try {
      all_reduce(team, {.send = data, .recv = data});
    } catch (const Error& error) {
      message = error.what();
    }
  });
  EXPECT_EQ(message, "all_reduce: an earlier call on this team failed half-way; start a new run");
}

}  // namespace
}  // namespace peal::tests
