// SPDX-License-Identifier: Apache-2.0
// Peal kernels of a user's own on real ranks: processes over shared memory.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "peal/base/error.h"
#include "peal/launch/real_kernel_run.h"
#include "tests/support/program.h"

namespace peal {
namespace {

using Kind = KernelBuffer::Kind;

const std::string ring_kernel = "examples/kernels/ring_all_reduce.cpp";

// Every rank gives its input to the next one by way of a window.
Kernel pass_on() {
  return {.name = "pass_on",
          .run =
              [](Device& self, const KernelArguments& args) {
                const Signal arrived = args.signals("arrived")[0];
                const Rank next{(self.rank() + 1) % self.ranks()};
                const auto count = static_cast<std::size_t>(args.value("count"));
                const auto turn = static_cast<std::size_t>(args.call() % self.ranks());
                const View slot = args.buffer("landing").part(turn * count, count);
                self.put(next, slot, args.buffer("mine"));
                self.notify(next, arrived);
                self.wait(arrived);
                self.copy(args.buffer("theirs"), slot);
              },
          .buffers = {{.name = "mine", .kind = Kind::input, .count = "count", .fill = "i + rank"},
                      {.name = "theirs", .kind = Kind::output, .count = "count"},
                      {.name = "landing", .count = "count * P"}},
          .signals = {{.name = "arrived", .count = "1"}},
          .expect = {{.outputs = {"i + (rank + P - 1) % P"}}},
          .calls = 5,
          .values = {{.name = "count", .value = "100"}}};
}

std::string real_message(const Kernel& kernel, const CaseRunRequest& request) {
  try {
    return run_kernel_for_real(kernel, request).result.mismatch.value_or("passed");
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(RealKernel, EveryCallIsComparedWithWhatIsExpected) {
  for (int ranks : {1, 2, 3}) {
    const RealKernelRun run = run_kernel_for_real(pass_on(), {.ranks = ranks}, RealCalls::timed);
    EXPECT_TRUE(run.result.compared);
    EXPECT_EQ(run.result.mismatch.value_or("passed"), "passed");
    EXPECT_EQ(run.result.calls, 5);
    EXPECT_EQ(run.call_ns.size(), 5u);
    EXPECT_EQ(run.result.report.ranks.at(0).puts, ranks == 1 ? 0u : 5u);
  }
  Kernel wrong = pass_on();
  wrong.expect->outputs = {"i + 1 + 0 * call"};
  EXPECT_EQ(real_message(wrong, {.ranks = 2}),
            "rank 1 `theirs` element 0 of call 0 is 0, expected 1");
}

TEST(RealKernel, MistakesOfTheKernelNameTheRank) {
  Kernel kernel = pass_on();
  kernel.run = [](Device& self, const KernelArguments& args) {
    if (self.rank() == 1) throw std::runtime_error("no luck");
    self.wait(args.signals("arrived")[0]);
  };
  EXPECT_NE(real_message(kernel, {.ranks = 2}).find("rank 1: in call 0 of `pass_on`: no luck"),
            std::string::npos)
      << real_message(kernel, {.ranks = 2});
  // What no peer can address is in no window.
  kernel.run = [](Device& self, const KernelArguments& args) {
    self.put(Rank{1 - self.rank()}, args.buffer("theirs"), args.buffer("mine"));
  };
  EXPECT_NE(real_message(kernel, {.ranks = 2}).find("window"), std::string::npos)
      << real_message(kernel, {.ranks = 2});
  EXPECT_NE(real_message(pass_on(), {.ranks = 2, .options = {.schedule = "random:1"}})
                .find("schedule `random:1` cannot be chosen"),
            std::string::npos);
}

TEST(RealKernel, TheCommandLineRunsAndMeasuresOne) {
  const Finished run = run_peal("run " + ring_kernel + " -p shm -n 3 -c 1K --calls 4 --json -");
  EXPECT_EQ(run.code, 0) << run.err;
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_EQ(json["verdict"], "PASS");
  EXPECT_EQ(json["platform"], "shm");
  EXPECT_FALSE(json.contains("time_ps"));
  ASSERT_EQ(json["per_rank"].size(), 3u);
  EXPECT_EQ(json["per_rank"][1]["puts"], 16);
  EXPECT_EQ(json["per_rank"][1]["end"], "finished");
  const Finished bench =
      run_peal("bench " + ring_kernel + " -p shm -n 2 --set count=50 --iterations 30 --json -");
  EXPECT_EQ(bench.code, 0) << bench.err;
  EXPECT_EQ(nlohmann::json::parse(bench.out)["calls"], 30);
  EXPECT_EQ(nlohmann::json::parse(bench.out)["verdict"], "PASS");
}

TEST(RealKernel, WhatIsNotForRealRanksIsRefused) {
  expect_misuse("run " + ring_kernel + " -p shm --schedule random:1", "cannot be chosen");
  expect_misuse("run " + ring_kernel + " -p shm --time-limit 3", "has no use for --time-limit");
  expect_misuse("bench " + ring_kernel + " -b 8", "has no use for --smallest; give sizes by");
  expect_misuse("bench " + ring_kernel + " -p a2a3sim", "is simulated, and this measures");
  expect_misuse("bench examples/pto/all_reduce_ring",
                "is a PTO kernel, which runs in the simulator");
  expect_misuse("bench all_reduce -c 3", "all_reduce has no use for --count; give sizes by -b");
  expect_misuse("run examples/pto/all_reduce_ring -p shm", "runs for real, which this cannot do");
}

}  // namespace
}  // namespace peal
