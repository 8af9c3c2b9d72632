// SPDX-License-Identifier: Apache-2.0
// Real ranks without values: all signals, no data.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/collectives/collectives.h"
#include "peal/collectives/registry.h"
#include "peal/executors/shm/executor.h"
#include "peal/launch/platforms.h"
#include "peal/launch/real_kernel_run.h"
#include "tests/support/collective_case.h"
#include "tests/support/environment_variable.h"
#include "tests/support/program.h"

namespace peal::tests {
namespace {

const RunOptions values_off{.values = false};

// Where the buffers of a call lie.
enum class Memory { window, own };

bool is_all(const View& view, std::byte byte) {
  return std::all_of(view.data, view.data + view.size_bytes(),
                     [byte](std::byte each) { return each == byte; });
}

// Makes the call twice. Without values, every rank's buffers must be as they were.
RunReport report_of(const CollectiveCase& test, Memory memory, const RunOptions& options) {
  constexpr std::byte sent{1}, untouched{0x5a};
  ShmExecutor executor(load_platform("host"), ShmExecutor::Ranks::threads);  // in a tenth of time
  return executor.run(
      test.ranks,
      [&](Team& team) {
        const CollectiveShape blocks = shape(test.collective, test.ranks);
        std::vector<std::byte> kept(2 * test.count * static_cast<std::size_t>(test.ranks) *
                                    size_bytes(test.dtype));
        const View window = team.allocate(kept.size(), DType::u8);
        std::byte* next = memory == Memory::window ? window.data : kept.data();
        const auto buffer = [&](int count, std::byte byte) {
          const View view{next, test.count * static_cast<std::size_t>(count), test.dtype};
          std::fill_n(view.data, view.size_bytes(), byte);
          next += view.size_bytes();
          return view;
        };
        const View send = buffer(blocks.send_blocks, sent);
        const View recv = buffer(blocks.recv_blocks, untouched);
        for (int call = 0; call < 2; ++call) {
          run_collective(team, {.collective = test.collective,
                                .send = send,
                                .recv = recv,
                                .op = test.op,
                                .root = test.root,
                                .algorithm = test.algorithm});
        }
        if (options.values || (is_all(send, sent) && is_all(recv, untouched))) return;
        throw RunError("data has moved");
      },
      options);
}

std::array<std::uint64_t, 5> figures_of(const RankCounts& counts) {
  return {counts.puts, counts.gets, counts.notifies, counts.waits, counts.sent_bytes};
}

TEST(ShmValuesOff, EveryAlgorithmDoesAsMuchAndMovesNothing) {
  for (const Algorithm& algorithm : algorithms()) {
    for (const int ranks : {2, 3}) {
      for (const std::size_t count : {0, 37, 5000}) {
        const CollectiveCase test{.collective = algorithm.collective,
                                  .algorithm = algorithm.name,
                                  .ranks = ranks,
                                  .count = count,
                                  .root = ranks - 1};
        const Memory memory = count == 37 ? Memory::own : Memory::window;
        const RunReport with = report_of(test, memory, {});
        const RunReport without = report_of(test, memory, values_off);
        ASSERT_EQ(without.ranks.size(), with.ranks.size());
        for (std::size_t rank = 0; rank < with.ranks.size(); ++rank) {
          EXPECT_EQ(figures_of(without.ranks[rank]), figures_of(with.ranks[rank]))
              << test.describe() << " rank " << rank;
        }
        EXPECT_GE(without.time_ps, 0);
      }
    }
  }
}

// Without values, rank 0 cannot tell the others what it has measured, nor what `peal tune` has.
TEST(ShmValuesOff, AutoChoosesTheSameOnAllRanks) {
  const TemporaryFolder folder;
  const EnvironmentVariable cache("PEAL_CACHE_DIR", folder.path(""));
  std::ofstream tuned(folder.path("tune.toml"));
  for (const bool is_oversubscribed : {false, true}) {
    tuned << "[[choice]]\ncollective = \"all_reduce\"\nranks = 2\nmax_bytes = [8]\n"
             "algorithms = [\"recursive_doubling\"]\noversubscribed = "
          << (is_oversubscribed ? "true\n" : "false\n");
  }
  tuned.close();
  for (const int ranks : {1, 2, 3}) {
    for (const Memory memory : {Memory::own, Memory::window}) {
      const CollectiveCase test{
          .collective = Collective::all_reduce, .ranks = ranks, .count = 1000};
      EXPECT_NO_THROW(static_cast<void>(report_of(test, memory, values_off))) << test.describe();
    }
  }
}

// What every verb does to memory of its own and of a peer.
TEST(ShmValuesOff, NoVerbMovesData) {
  ShmExecutor executor(load_platform("host"));
  const std::string text = run_texts(
      executor, 2,
      [](Team& team) -> std::string {
        Device& self = team.device();
        const Rank peer{1 - self.rank()};
        const View own = team.allocate(8, DType::f32), other = team.allocate(8, DType::f32);
        const SignalRow signals = self.allocate_signals("signals", 2);
        const PacketRow packets = self.allocate_packets("packets", 2);
        const PacketRow others = self.allocate_packets("others", 1);
        std::fill_n(own.data, own.size_bytes(), std::byte{1});
        bool has_computed = false;
        self.put(peer, other, own);
        self.get(other, peer, own);
        self.copy(other, own);
        self.reduce(other, own, ReduceOp::sum);
        self.put_reduce(peer, other, own, ReduceOp::sum);
        self.compute({.reads = {own}, .writes = {other}, .cycles = 1},
                     [&] { has_computed = true; });
        self.put_notify(peer, other, own, signals[0]);
        self.wait(signals[0]);
        self.put_packets(peer, others[0], own);
        self.take_packets(other, others[0]);
        self.put_packets(peer, packets[self.rank()], own);
        self.reduce_packets(other, own, packets, ReduceOp::sum);
        self.notify(peer, signals[1]);
        while (!self.poll(signals[1])) {
        }
        if (has_computed) return "it computes";
        return is_all(own, std::byte{1}) && is_all(other, std::byte{0}) ? "" : "data has moved";
      },
      values_off);
  EXPECT_EQ(text, "");
}

std::string failure_without_values(const std::function<void(Team&)>& program) {
  try {
    ShmExecutor(load_platform("host")).run(2, program, values_off);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

TEST(ShmValuesOff, MistakesAreFoundAsWithValues) {
  const auto expect = [](const std::string& part, const std::function<void(Team&)>& program) {
    const std::string failure = failure_without_values(program);
    EXPECT_NE(failure.find(part), std::string::npos) << failure;
  };
  std::vector<float> mine(4);
  const View own = View::of(std::span(mine));
  expect("put on rank 1: 4 elements of rank 0's memory are not in a window", [&](Team& team) {
    if (team.rank() == 1) team.device().put(Rank{0}, own, own);
  });
  expect("get on rank 1: 4 elements of rank 0's memory are not in a window", [&](Team& team) {
    if (team.rank() == 1) team.device().get(own, Rank{0}, own);
  });
  expect("the destination is not aligned to its elements of 4 bytes", [](Team& team) {
    const View window = team.allocate(16, DType::u8);
    const View shifted{window.data + 1, 2, DType::i32};
    team.device().put_reduce(Rank{0}, shifted, shifted, ReduceOp::min);
  });
  expect("all_reduce: rank 0 calls it with count 5 (", [](Team& team) {
    std::vector<float> data(team.rank() == 0 ? 5 : 6);
    all_reduce(team, {.send = data, .recv = data, .algorithm = "push"});
  });
  expect("deadlock: 2 of 2 ranks wait and nobody can wake them", [](Team& team) {
    const SignalRow row = team.device().allocate_signals("never", 1);
    team.device().wait(row[0]);
  });
  expect("all_reduce on rank 1: send holds 4 elements and recv 3", [&](Team& team) {
    if (team.rank() == 1) all_reduce(team, {.send = mine, .recv = std::span(mine).first(3)});
  });
}

// Team::split() exchanges colors and keys, which are no data.
TEST(ShmValuesOff, TeamsAreDividedAsWithValues) {
  ShmExecutor executor(load_platform("host"));
  const std::string text = run_texts(
      executor, 4,
      [](Team& team) -> std::string {
        const auto part = team.split(team.rank() % 2, -team.rank());
        std::vector<float> data(9);
        all_reduce(*part, {.send = data, .recv = data, .algorithm = "ring"});
        const int expected = team.rank() < 2 ? 1 : 0;  // the highest rank is the first
        return part->size() == 2 && part->rank() == expected ? "" : "another part";
      },
      values_off);
  EXPECT_EQ(text, "");
}

TEST(ShmValuesOff, AKernelIsNotCompared) {
  const Kernel wrong{
      .name = "wrong",
      .run = [](Device& self,
                const KernelArguments& args) { self.copy(args.buffer("out"), args.buffer("in")); },
      .buffers = {{.name = "in", .kind = KernelBuffer::Kind::input, .count = "4", .fill = "i"},
                  {.name = "out", .kind = KernelBuffer::Kind::output, .count = "4"}},
      .expect = {{.outputs = {"i + 1"}}}};
  for (const bool has_values : {true, false}) {
    const CaseRunResult result =
        run_kernel_for_real(wrong, {.ranks = 2, .options = {.values = has_values}}).result;
    EXPECT_EQ(result.compared, has_values);
    EXPECT_EQ(result.mismatch.has_value(), has_values);
  }
}

TEST(ShmValuesOff, TheCommandLineSaysThatNothingWasCompared) {
  for (const char* command : {"run all_reduce -p shm -n 3 -c 1000 --no-values",
                              "run all_gather -p shm -n 2 -a ring --repeat 20 --no-values"}) {
    const Finished finished = run_peal(command);
    EXPECT_EQ(finished.code, 0) << finished.err;
    EXPECT_NE(finished.out.find("values off: results not compared\n"), std::string::npos)
        << finished.out;
    EXPECT_TRUE(finished.out.ends_with("DONE\n")) << finished.out;
  }
}

}  // namespace
}  // namespace peal::tests
