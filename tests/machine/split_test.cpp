// SPDX-License-Identifier: Apache-2.0
// Teams that are parts of teams, on every executor.
#include "peal/machine/split.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/collectives/collectives.h"
#include "peal/launch/check_kernel.h"
#include "peal/launch/kernel_run.h"
#include "peal/launch/launch.h"
#include "peal/machine/barrier.h"
#include "tests/support/collective_case.h"
#include "tests/support/worker_run.h"

namespace peal {
namespace {

class Split : public testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] std::unique_ptr<Executor> executor() const { return open_executor(GetParam()); }

  // What each rank makes, in a run of the program.
  [[nodiscard]] std::vector<std::vector<int>> results(
      int ranks, std::size_t most, const std::function<std::vector<int>(Team&)>& program,
      const RunOptions& options = {}) const {
    const std::unique_ptr<Executor> on = executor();
    const auto all = static_cast<std::size_t>(ranks) * (most + 1);
    const std::span<std::byte> bytes = on->share(all * sizeof(int));
    const std::span shared(reinterpret_cast<int*>(bytes.data()), all);
    on->run(
        ranks,
        [&](Team& team) {
          const std::vector<int> own = program(team);
          const std::span to =
              shared.subspan(static_cast<std::size_t>(team.rank()) * (most + 1), most + 1);
          to[0] = static_cast<int>(own.size());
          std::copy_n(own.begin(), std::min(most, own.size()), to.begin() + 1);
        },
        options);
    std::vector<std::vector<int>> result;
    for (int rank = 0; rank < ranks; ++rank) {
      const auto own = shared.subspan(static_cast<std::size_t>(rank) * (most + 1), most + 1);
      result.emplace_back(own.begin() + 1, own.begin() + 1 + own[0]);
    }
    return result;
  }

  [[nodiscard]] std::string failure_of(int ranks, const std::function<void(Team&)>& program) const {
    return refusal([&] { executor()->run(ranks, program, {}); });
  }
};

INSTANTIATE_TEST_SUITE_P(Platforms, Split, testing::Values("a2a3sim", "shm"),
                         [](const auto& test) { return std::string(test.param); });

// What all ranks of a team give, in the order of their ranks.
std::vector<int> gathered(Team& team, int own) {
  std::vector<std::int32_t> all(static_cast<std::size_t>(team.size())), one = {own};
  all_gather(team, {.send = one, .recv = all});
  return {all.begin(), all.end()};
}

TEST(SplitOrder, IsByKeyAndThenByRank) {
  const std::vector<SplitEntry> entries = {{1, 5}, {0, 0}, {1, -3}, {-1, 0}, {1, 5}, {1, 4}};
  EXPECT_EQ(ranks_of_color(entries, 1), (std::vector<int>{2, 5, 0, 4}));
  EXPECT_EQ(ranks_of_color(entries, 0), std::vector<int>{1});
  EXPECT_EQ(ranks_of_color(entries, 2), std::vector<int>{});
  EXPECT_EQ(ranks_of_color(entries, -1), std::vector<int>{});
}

TEST_P(Split, RanksOfOneColorAreATeamInTheOrderOfTheirKeys) {
  for (int ranks : {1, 2, 3, 4, 7, 8}) {
    const auto color = [](int rank) { return rank % 3 == 2 ? -7 : rank % 3; };
    const auto key = [](int rank) { return -(rank / 6); };
    std::vector<SplitEntry> entries;
    for (int rank = 0; rank < ranks; ++rank) entries.push_back({color(rank), key(rank)});
    const auto told = results(ranks, 10, [&](Team& team) -> std::vector<int> {
      const auto part = team.split(color(team.rank()), key(team.rank()));
      if (part == nullptr) return {};
      std::vector<int> result = gathered(*part, team.rank());
      result.push_back(part->rank());
      result.push_back(part->size());
      return result;
    });
    for (int rank = 0; rank < ranks; ++rank) {
      std::vector<int> expected = ranks_of_color(entries, color(rank));
      if (!expected.empty()) {
        const auto own = std::find(expected.begin(), expected.end(), rank) - expected.begin();
        const auto size = static_cast<int>(expected.size());
        expected.insert(expected.end(), {static_cast<int>(own), size});
      }
      EXPECT_EQ(told[static_cast<std::size_t>(rank)], expected) << rank << " of " << ranks;
    }
  }
}

// Rows, columns and the whole team take turns; none meets the others' signals.
TEST_P(Split, SeveralTeamsAreUsedInTurns) {
  for (const std::uint32_t start : {0u, 0xfffffffdu}) {
    const auto told = results(
        6, 4,
        [](Team& team) -> std::vector<int> {
          const auto row = team.split(team.rank() / 3), column = team.split(team.rank() % 3);
          std::vector<std::int32_t> sums(4);
          for (int round = 0; round < 20; ++round) {
            std::vector<std::int32_t> own = {team.rank() + round};
            const std::span all(sums);
            all_reduce(*row, {.send = own, .recv = all.subspan(0, 1)});
            all_reduce(team, {.send = own, .recv = all.subspan(1, 1)});
            all_reduce(*column, {.send = own, .recv = all.subspan(2, 1), .op = ReduceOp::max});
            broadcast(*row, {.send = own, .recv = all.subspan(3, 1), .root = round % 3});
          }
          return {sums.begin(), sums.end()};
        },
        {.signal_start = start});
    for (int rank = 0; rank < 6; ++rank) {
      const int row = rank / 3;
      EXPECT_EQ(told[static_cast<std::size_t>(rank)],
                (std::vector<int>{9 * row + 3 + 3 * 19, 15 + 6 * 19, rank % 3 + 3 + 19,
                                  3 * row + 19 % 3 + 19}));
    }
  }
}

// Every collective with every type of team that a split of seven ranks gives.
TEST_P(Split, EveryCollectiveRunsOnAPart) {
  const std::unique_ptr<Executor> on = executor();
  for (Collective collective : all_collectives) {
    on->run(7,
            [&](Team& team) {
              const auto part = team.split(team.rank() % 2, -team.rank());
              tests::CollectiveCase test{.collective = collective, .ranks = part->size()};
              for (unsigned count : {0u, 1u, 37u, 5000u}) {
                test.count = count;
                test.root = part->size() - 1;
                tests::CaseBuffers buffers = tests::make_buffers(test, part->rank());
                tests::call(*part, test, buffers);
                const std::string text = tests::difference(test, part->rank(), buffers);
                if (!text.empty()) throw RunError(text);
              }
            },
            {});
  }
}

TEST_P(Split, PartsAreDividedAgainAndAgain) {
  const auto told = results(8, 3, [](Team& team) -> std::vector<int> {
    std::vector<int> sums;
    const auto half = team.split(team.rank() / 4), quarter = half->split(half->rank() / 2),
               own = quarter->split(quarter->rank());
    for (Team* part : {half.get(), quarter.get(), own.get()}) {
      const std::vector<int> all = gathered(*part, team.rank());
      sums.push_back(std::accumulate(all.begin(), all.end(), 0));
    }
    return sums;
  });
  for (int rank = 0; rank < 8; ++rank) {
    const int half = rank / 4 * 4, quarter = rank / 2 * 2;
    EXPECT_EQ(told[static_cast<std::size_t>(rank)],
              (std::vector<int>{4 * half + 6, 2 * quarter + 1, rank}));
  }
}

// More allocations than one list of them holds, of more than one team at a time.
TEST_P(Split, ThereMayBeMany) {
  const auto told = results(3, 1, [](Team& team) -> std::vector<int> {
    int right = 0;
    for (int i = 0; i < 100; ++i) {
      const auto pair = team.split(team.rank() == i % 3 ? -1 : 0, i % 2 == 0 ? team.rank() : 0);
      if (pair == nullptr) continue;
      const std::span<std::int32_t> window = pair->allocate<std::int32_t>(3);
      if (std::count(window.begin(), window.end(), 0) != 3) return {-1};
      right += gathered(*pair, team.rank())[0] == (i % 3 == 0 ? 1 : 0) ? 1 : 0;
      std::fill(window.begin(), window.end(), 7);
    }
    return {right};
  });
  EXPECT_EQ(told, (std::vector<std::vector<int>>{{66}, {67}, {67}}));
}

// Windows of the part, and of the team that it is of, are at the same place of each member.
TEST_P(Split, WindowsOfBothTeamsCanBeAddressed) {
  const auto told = results(5, 4, [](Team& team) -> std::vector<int> {
    const View wide = team.allocate(2, DType::i32);
    const auto part = team.split(team.rank() == 2 ? -1 : 0, -team.rank());
    if (part == nullptr) return {};
    // One rank of the part allocates elsewhere, too, so that places would differ by themselves.
    Device& self = part->device();
    const View narrow = part->allocate(2, DType::i32);
    const SignalRow arrived = self.allocate_signals("arrived", 1);
    const View own = part->allocate(2, DType::i32);
    const std::int32_t mine[] = {team.rank(), 10 * team.rank()};
    std::memcpy(self.write(own).data(), mine, sizeof(mine));
    const Rank next{(self.rank() + 1) % self.ranks()};
    self.put(next, wide, own);
    self.put(next, narrow, own);
    self.notify(next, arrived[0]);
    self.wait(arrived[0]);
    std::vector<int> result(4);
    std::memcpy(result.data(), self.read(wide).data(), 8);
    std::memcpy(result.data() + 2, self.read(narrow).data(), 8);
    return result;
  });
  // In the order of the part: 4, 3, 1, 0.
  const std::vector<int> from = {1, 3, -1, 4, 0};
  for (std::size_t rank = 0; rank < 5; ++rank) {
    const int sender = from[rank];
    const std::vector<int> pair = {sender, 10 * sender, sender, 10 * sender};
    EXPECT_EQ(told[rank], rank == 2 ? std::vector<int>{} : pair) << rank;
  }
}

TEST_P(Split, Misuse) {
  EXPECT_NE(failure_of(3,
                       [](Team& team) {
                         const auto part = team.split(team.rank() / 2);
                         const View view = part->allocate(1, DType::u8);
                         part->device().put(Rank{2}, view, view);
                       })
                .find("is not one of the "),
            std::string::npos);
  const std::string unlike = failure_of(3, [](Team& team) {
    const auto part = team.split(0);
    static_cast<void>(part->device().allocate("w", team.rank() == 2 ? 128 : 64));
    barrier(*part);
  });
  EXPECT_NE(unlike.find("make the same allocations in the same order"), std::string::npos)
      << unlike;
  // Somebody does not come. Of processes, only the limit of a wait tells.
  ::setenv("PEAL_TIMEOUT", "0.3", 1);
  const std::string missing = failure_of(3, [](Team& team) {
    if (team.rank() != 1) static_cast<void>(team.split(0));
  });
  ::unsetenv("PEAL_TIMEOUT");
  EXPECT_NE(missing.find("tests/machine/split_test.cpp:"), std::string::npos) << missing;
  const std::string broken = failure_of(2, [](Team& team) {
    team.abort();
    static_cast<void>(team.split(0));
  });
  EXPECT_NE(broken.find("split: an earlier call on this team failed half-way; start a new run"),
            std::string::npos)
      << broken;
}

TEST(SplitCosts, AreThoseOfABarrierAndCountForTheRank) {
  const RunReport report = run_ranks("a2a3sim", 4, [](Team& team) {
    const auto pair = team.split(team.rank() / 2);
    const View view = pair->allocate(16, DType::f32);
    pair->device().put(Rank{1 - pair->rank()}, view, view);
    barrier(*pair);
  });
  EXPECT_GT(report.time_ps, 0);
  for (const RankCounts& counts : report.ranks) {
    EXPECT_EQ(counts.puts, 1u);
    EXPECT_EQ(counts.sent_bytes, 64u);
    EXPECT_EQ(counts.notifies, 3u);
  }
}

// Ranks know who is in their team when nothing is moved, too.
TEST_P(Split, NeedsNoValues) {
  const auto told = results(4, 2,
                            [](Team& team) -> std::vector<int> {
                              const auto part = team.split(team.rank() % 2, -team.rank());
                              return {part->rank(), part->size()};
                            },
                            {.values = false});
  EXPECT_EQ(told, (std::vector<std::vector<int>>{{1, 2}, {1, 2}, {0, 2}, {0, 2}}));
}

TEST(SplitChecks, AKernelOverPartsIsChecked) {
  const Kernel kernel =
      load_kernel_file(PEAL_SOURCE_DIR "/examples/kernels/two_level_all_reduce.cpp");
  for (int ranks : {2, 4, 6, 8}) {
    const CheckReport report = check(kernel, {.ranks = ranks});
    EXPECT_TRUE(report.is_clean()) << ranks << "\n" << report.text();
    for (const char* schedule : {"random:1", "random:2"}) {
      const CaseRunResult result =
          run_kernel(kernel, {.ranks = ranks, .options = {.schedule = schedule}});
      EXPECT_TRUE(result.compared);
      EXPECT_EQ(result.mismatch.value_or(""), "");
    }
  }
}

// The second put is not waited for.
void exchange_in_pairs(Device& self, const KernelArguments& args) {
  const auto pair = args.team().split(self.rank() / 2);
  Device& own = pair->device();
  const SignalRow arrived = own.allocate_signals("arrived", 1);
  const View slot = args.buffer("slot"), landing = pair->allocate(4, DType::f32);
  const Rank other{1 - own.rank()};
  own.put(other, landing, args.buffer("given"));
  own.notify(other, arrived[0]);
  own.wait(arrived[0]);
  own.put(other, slot, landing);
  own.copy(args.buffer("back"), slot);
}

TEST(SplitChecks, ARaceInAPartIsFound) {
  using Kind = KernelBuffer::Kind;
  const Kernel kernel{
      .name = "pairs",
      .run = exchange_in_pairs,
      .buffers = {{.name = "given", .kind = Kind::input, .count = "4", .fill = "i + rank"},
                  {.name = "back", .kind = Kind::output, .count = "4"},
                  {.name = "slot", .count = "4"}},
      .calls = 1};
  const CheckReport report = check(kernel, {.ranks = 4});
  EXPECT_FALSE(report.is_clean());
  const std::string text = report.text();
  EXPECT_NE(text.find("race: window `slot`"), std::string::npos) << text;
  EXPECT_EQ(text.find("race: window `buffer`"), std::string::npos) << text;
}

// As a task of a worker: the parts are of the domain.
void sum_in_pairs(Device& self, const KernelArguments& args) {
  const auto pair = args.team().split(self.rank() / 2);
  all_reduce(*pair, {.send = args.buffer("given"), .recv = args.buffer("sum")});
}

void notify_the_other(Device& self, const TaskArguments& args) {
  const std::unique_ptr<Device> pair = self.split(self.rank() % 2, 0);
  const SignalRow row = pair->allocate_signals("row", 1);
  const Rank other{1 - pair->rank()};
  pair->notify(other, row[0]);
  pair->wait(row[0]);
  args.elements<float>(0)[0] += static_cast<float>(pair->rank());
}

TEST_P(Split, TasksOfAWorkerDivideTheirDomain) {
  using Kind = KernelBuffer::Kind;
  Worker worker = open_worker({.platform = GetParam(), .devices = {5, 2, 9, 4}});
  const CallableHandle sum =
      worker.add(Kernel{.name = "pairs",
                        .run = sum_in_pairs,
                        .buffers = {{.name = "given", .kind = Kind::input, .count = "100"},
                                    {.name = "sum", .kind = Kind::output, .count = "100"}}});
  const CallableHandle tell = worker.add(device_function("tell", notify_the_other));
  worker.start();
  for (int run = 0; run < 3; ++run) {
    std::vector<std::vector<float>> given(4), sums(4, std::vector<float>(100));
    for (std::size_t i = 0; i < 4; ++i) given[i].assign(100, static_cast<float>(i + 1));
    const GraphReport report = report_of(worker.submit([&](Orchestrator& orch) {
      const Domain domain =
          orch.allocate_domain({.name = "d", .devices = {9, 4, 2, 5}, .window_bytes = 64});
      for (int call = 0; call < 3; ++call) {
        orch.submit_group(sum, domain.devices(), [&](int rank) {
          const auto at = static_cast<std::size_t>(rank);
          return Args{}.in(given[at]).out(sums[at]).context(domain[rank]);
        });
      }
      orch.submit_group(tell, domain.devices(), [&](int rank) {
        return Args{}.inout(sums[static_cast<std::size_t>(rank)]).context(domain[rank]);
      });
    }));
    ASSERT_EQ(report.failures(), 0u) << describe_failures(report);
    EXPECT_EQ(sums[1][1], 3);
    EXPECT_EQ(sums[2][1], 7);
    EXPECT_EQ(sums[1][0], 3);
    EXPECT_EQ(sums[2][0], 8);
  }
}

}  // namespace
}  // namespace peal
