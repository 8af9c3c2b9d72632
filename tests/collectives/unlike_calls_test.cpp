// SPDX-License-Identifier: Apache-2.0
// Ranks whose calls differ: all fail, with both calls, and nothing behind a buffer is written.
#include "tests/support/unlike_calls.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/collectives/registry.h"
#include "peal/launch/launch.h"
#include "peal/machine/kernel.h"
#include "tests/support/slice.h"
#include "tests/support/worker_run.h"

namespace peal::tests {
namespace {

// All ranks make the call, but one.
std::vector<UnlikeCall> all_but(int ranks, int odd, const UnlikeCall& call,
                                const UnlikeCall& other) {
  std::vector<UnlikeCall> calls(static_cast<std::size_t>(ranks), call);
  calls[static_cast<std::size_t>(odd)] = other;
  return calls;
}

// The sentence's beginning, up to the first rank, and what it says of either value.
struct Expected {
  std::string what, common, odd;
};

class UnlikeCalls : public testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] bool is_simulated() const { return executor_->is_simulated(); }

  void expect_told(const std::vector<UnlikeCall>& calls, int odd, const Expected& expected,
                   int before = 0) {
    const UnlikeRun run = run_unlike(*executor_, calls, before);
    SCOPED_TRACE(fmt::format("{} ranks, {} odd, {} of {} and {}, {} before: {}", calls.size(), odd,
                             expected.what, expected.common, expected.odd, before, run.text));
    EXPECT_EQ(run.spoilt, 0);
    const std::size_t at = run.text.find(expected.what + ": rank ");
    ASSERT_NE(at, std::string::npos);
    const std::string sentence = run.text.substr(at);
    EXPECT_NE(sentence.find(fmt::format("rank {}", odd)), std::string::npos);
    for (const std::string& value : {expected.common, expected.odd}) {
      EXPECT_NE(sentence.find(value + " (tests/support/unlike_calls.cpp:"), std::string::npos)
          << value;
    }
    EXPECT_NE(sentence.find("all ranks of a team make the same call"), std::string::npos);
    if (is_simulated()) return;  // the first one ends all fibers
    for (const std::string& text : run.ranks) EXPECT_EQ(text, run.text);
  }

  std::unique_ptr<Executor> executor_ = open_executor(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Platforms, UnlikeCalls, testing::Values("shm", "hostsim", "a2a3sim"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(UnlikeCalls, CountsOfEveryAlgorithm) {
  for (const Algorithm& algorithm : algorithms()) {
    if (algorithm.collective == Collective::barrier) continue;
    for (int ranks : all_or_slice({2, 3}, {3})) {
      for (std::size_t count : {std::size_t{5}, std::size_t{300}}) {
        const UnlikeCall call{
            .collective = algorithm.collective, .count = count, .algorithm = algorithm.name};
        UnlikeCall other = call;
        other.count = count + 1;
        const int odd = static_cast<int>(count) % ranks;
        expect_told(all_but(ranks, odd, call, other), odd,
                    {name(algorithm.collective), fmt::format("count {}", count),
                     fmt::format("count {}", count + 1)},
                    static_cast<int>(count % 2));
      }
    }
  }
}

TEST_P(UnlikeCalls, CountsThatAreFarApart) {
  for (Collective collective : all_collectives) {
    if (collective == Collective::barrier) continue;
    for (std::size_t count : all_or_slice<std::size_t>({1, 3000, 100'000}, {1, 100'000})) {
      if (is_simulated() && count > 3000) continue;  // which writes nothing, and takes long
      for (bool in_windows : {false, true}) {
        const UnlikeCall call{.collective = collective, .count = count, .in_windows = in_windows};
        UnlikeCall other = call;
        other.count = 2 * count;
        for (int odd : all_or_slice({0, 1}, {1})) {
          expect_told(all_but(2, odd, call, other), odd,
                      {name(collective), fmt::format("count {}", count),
                       fmt::format("count {}", 2 * count)},
                      odd);
        }
      }
    }
  }
}

TEST_P(UnlikeCalls, NoElementsOnOneRank) {
  for (Collective collective : all_collectives) {
    if (collective == Collective::barrier) continue;
    const UnlikeCall call{.collective = collective, .count = 40};
    UnlikeCall other = call;
    other.count = 0;
    for (int before : {0, 2}) {
      expect_told(all_but(3, 1, call, other), 1, {name(collective), "count 40", "count 0"}, before);
    }
  }
}

TEST_P(UnlikeCalls, TypesAndOperations) {
  for (const Algorithm& algorithm : algorithms()) {
    if (algorithm.collective == Collective::barrier) continue;
    const UnlikeCall call{
        .collective = algorithm.collective, .count = 64, .algorithm = algorithm.name};
    UnlikeCall other = call;
    other.dtype = DType::i32;
    expect_told(all_but(3, 2, call, other), 2,
                {name(algorithm.collective), "type f32", "type i32"});
    if (!shape(algorithm.collective, 3).has_op) continue;
    other = call;
    other.op = ReduceOp::max;
    expect_told(all_but(2, 1, call, other), 1,
                {name(algorithm.collective), "operation sum", "operation max"}, 1);
  }
}

TEST_P(UnlikeCalls, SeveralThingsAtOnce) {
  const UnlikeCall call{.count = 64};
  UnlikeCall other{.count = 100, .dtype = DType::f64, .op = ReduceOp::min};
  expect_told(all_but(4, 2, call, other), 2,
              {"all_reduce", "count 64 and type f32 and operation sum",
               "count 100 and type f64 and operation min"});
}

TEST_P(UnlikeCalls, Roots) {
  for (Collective collective :
       {Collective::broadcast, Collective::reduce, Collective::gather, Collective::scatter}) {
    for (std::size_t count : {std::size_t{2}, std::size_t{5000}}) {
      for (int before : {0, 3}) {
        const UnlikeCall call{.collective = collective, .count = count, .root = 1};
        UnlikeCall other = call;
        other.root = 0;
        expect_told(all_but(3, 2, call, other), 2, {name(collective), "root 1", "root 0"}, before);
      }
    }
  }
}

TEST_P(UnlikeCalls, AlgorithmsOfOneCollective) {
  const UnlikeCall call{.count = 300, .algorithm = "two_phase"};
  UnlikeCall other = call;
  other.algorithm = "push";
  for (int before : {0, 2}) {
    expect_told(all_but(3, 0, call, other), 0,
                {"all_reduce", "algorithm two_phase", "algorithm push"}, before);
  }
}

// The others measure before they choose.
TEST_P(UnlikeCalls, AnAlgorithmThatIsGivenOnOneRankOnly) {
  const UnlikeCall call{.count = 300};
  UnlikeCall other = call;
  other.algorithm = "recursive_doubling";
  const UnlikeRun run = run_unlike(*executor_, all_but(2, 1, call, other), 1);
  EXPECT_NE(run.text.find("algorithm recursive_doubling (tests/support/unlike_calls.cpp:"),
            std::string::npos)
      << run.text;
}

TEST_P(UnlikeCalls, CollectivesThatDiffer) {
  for (Collective one : all_collectives) {
    for (const int distance : all_or_slice({1, 2, 3, 4, 5, 6, 7, 8}, {1, 4})) {
      const auto kinds = static_cast<int>(std::size(all_collectives));
      const auto another = static_cast<Collective>((static_cast<int>(one) + distance) % kinds);
      if (one == another) continue;
      const UnlikeCall call{.collective = one, .count = one == Collective::barrier ? 0u : 8u};
      const UnlikeCall other{.collective = another,
                             .count = another == Collective::barrier ? 0u : 8u};
      const int before = static_cast<int>(another) % 2;
      const UnlikeRun run = run_unlike(*executor_, all_but(2, 1, call, other), before);
      const std::string first =
          fmt::format("{}: rank 0 calls it (tests/support/unlike_calls.cpp:", name(one));
      const std::string second =
          fmt::format("rank 1 calls {} (tests/support/unlike_calls.cpp:", name(another));
      EXPECT_NE(run.text.find(first), std::string::npos) << name(another) << run.text;
      EXPECT_NE(run.text.find(second), std::string::npos) << name(one) << run.text;
      EXPECT_EQ(run.spoilt, 0);
      if (is_simulated()) continue;
      for (const std::string& text : run.ranks) EXPECT_EQ(text, run.text);
    }
  }
}

// All that a rank may do otherwise without being told of.
TEST_P(UnlikeCalls, PlacesAndBuffersMayDiffer) {
  const auto program = [](Team& team) {
    std::vector<float> send(9, 1), recv(9);
    for (int call = 0; call < 60; ++call) {
      if ((call + team.rank()) % 3 == 0) {
        all_reduce(team, {.send = send, .recv = recv});
      } else {
        std::vector<float> both(9, 1);
        all_reduce(team, {.send = both, .recv = both});
      }
      if (team.rank() == call % 3) {
        peal::barrier(team);
      } else {
        peal::barrier(team);
      }
      broadcast(
          team,
          {.send = send, .recv = std::span(recv).subspan(0, team.rank() == 1 ? 9 : 9), .root = 1});
    }
    std::vector<float> empty;
    broadcast(team, {.send = empty, .recv = empty});
    gather(team, {.send = empty, .recv = empty});
  };
  EXPECT_NO_THROW(executor_->run(3, program, {}));
}

// A root runs ahead, by calls that differ from one another, of ranks that come late.
TEST_P(UnlikeCalls, CallsThatDifferInTimeMayBeUnderWayAtOnce) {
  const auto program = [](Team& team) {
    for (const char* algorithm : {"fifo", "direct", "packet", "tree", "scatter_all_gather"}) {
      for (std::size_t call = 0; call < 40; ++call) {
        std::vector<std::int32_t> data(1 + call * 7 % 23, team.rank() == 2 ? 5 : 0);
        broadcast(team, {.send = data, .recv = data, .root = 2, .algorithm = algorithm});
        if (data.back() != 5) throw UsageError("a wrong element");
        std::vector<std::int32_t> sum(data.size());
        reduce(team,
               {.send = data, .recv = sum, .root = 2, .algorithm = call % 2 ? "tree" : "direct"});
      }
    }
  };
  EXPECT_NO_THROW(executor_->run(4, program, {}));
}

TEST_P(UnlikeCalls, OfAPartOfATeamAreToldByItsRanks) {
  std::string text;
  try {
    executor_->run(4,
                   [](Team& team) {
                     const auto part = team.split(team.rank() % 2, 0);
                     std::vector<float> data(team.rank() == 3 ? 70 : 60);
                     all_reduce(*part, {.send = data, .recv = data});
                     peal::barrier(team);
                   },
                   {});
  } catch (const Error& error) {
    text = error.what();
  }
  EXPECT_NE(text.find("all_reduce: rank 0 calls it with count 60 ("), std::string::npos) << text;
  EXPECT_NE(text.find("rank 1 with count 70 ("), std::string::npos) << text;
}

// In a task of a worker, the second element says of what length the call is.
void sum_of_some(Device& self, const KernelArguments& args) {
  const View given = args.buffer("given"), sum = args.buffer("sum");
  float count = 0;
  std::memcpy(&count, self.read(given).data() + sizeof(count), sizeof(count));
  const auto length = static_cast<std::size_t>(count);
  all_reduce(args.team(), {.send = given.part(0, length),
                           .recv = sum.part(0, length),
                           .algorithm = length < 50 ? "push" : "two_phase"});
}

TEST(UnlikeCallsOfAWorker, FailTheTaskAndNotTheWorker) {
  using Kind = KernelBuffer::Kind;
  for (const char* platform : {"a2a3sim", "shm"}) {
    Worker worker = open_worker({.platform = platform, .devices = {5, 2, 9}});
    const CallableHandle sum =
        worker.add(Kernel{.name = "some",
                          .run = sum_of_some,
                          .buffers = {{.name = "given", .kind = Kind::input, .count = "100"},
                                      {.name = "sum", .kind = Kind::output, .count = "100"}}});
    worker.start();
    const auto text_with = [&](std::vector<float> lengths) {
      std::vector<std::vector<float>> given(3), sums(3, std::vector<float>(100));
      for (std::size_t i = 0; i < 3; ++i) given[i].assign(100, lengths[i]);
      std::string text = refusal([&] {
        worker.run([&](Orchestrator& orch) {
          const Domain d = orch.allocate_domain({"d", {5, 2, 9}, 64});
          orch.submit_group(sum, {5, 2, 9}, [&](int rank) {
            const auto at = static_cast<std::size_t>(rank);
            return Args{}.in(given[at]).out(sums[at]).context(d[rank]);
          });
        });
      });
      const bool has_run = text == "nothing is thrown";
      EXPECT_EQ(sums[1].front(), has_run ? 3 * lengths[0] : 0);
      return text;
    };
    EXPECT_EQ(text_with({40, 40, 40}), "nothing is thrown");
    for (const std::vector<float>& lengths :
         {std::vector<float>{40, 41, 40}, std::vector<float>{60, 61, 60}}) {
      const std::string text = text_with(lengths);
      const std::string place = " (tests/collectives/unlike_calls_test.cpp:";
      EXPECT_NE(text.find(fmt::format("with count {}{}", lengths[0], place)), std::string::npos)
          << text;
      EXPECT_NE(text.find("rank 1 "), std::string::npos) << text;
      EXPECT_NE(text.find(fmt::format("with count {}{}", lengths[1], place)), std::string::npos)
          << text;
    }
    // They never hear of each other.
    const std::string text = text_with({40, 40, 60});
    EXPECT_NE(text.find("with count 40 ("), std::string::npos) << text;
    EXPECT_NE(text.find("rank 2 with count 60 ("), std::string::npos) << text;
    EXPECT_EQ(text_with({60, 60, 60}), "nothing is thrown");
  }
}

}  // namespace
}  // namespace peal::tests
