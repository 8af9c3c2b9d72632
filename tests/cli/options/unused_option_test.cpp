// SPDX-License-Identifier: Apache-2.0
// Options that do nothing for a target are refused, and values of kernels are set by name.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "peal/base/error.h"
#include "peal/launch/kernel_run.h"
#include "peal/launch/worker.h"
#include "tests/support/program.h"

namespace peal {
namespace {

const std::string ring = "examples/kernels/ring_all_reduce.cpp";
const std::string ring_case = "examples/pto/all_reduce_ring";

TEST(UnusedOption, KernelsAndCasesRefuseWhatIsForCollectives) {
  const std::pair<const char*, const char*> options[] = {
      {"-t f32", "--dtype; its description or case gives the types"},
      {"--op max", "--op; what its description or case expects names the operation"},
      {"--root 1", "--root; what its description or case expects names the root"},
      {"-a ring", "--algorithm; leave it away"}};
  for (const auto& [option, part] : options) {
    for (const std::string& target : {ring, ring_case}) {
      for (const char* command : {"run ", "check "}) {
        expect_misuse(command + target + " " + option,
                      "kernel `" + target + "` has no use for " + part);
      }
    }
  }
  expect_misuse("run " + ring + " --repeat 3", "has no use for --repeat; use --calls");
  expect_misuse("run " + ring + " --fill rand", "has no use for --fill; its description");
  expect_misuse("run " + ring + " --seed 3", "has no use for --seed; its description");
  expect_misuse("run " + ring + " --input x.npy", "has no use for --input; its description");
  expect_misuse("run " + ring + " --output x.npy", "has no use for --output; its description");
}

TEST(UnusedOption, CollectivesRefuseWhatIsForKernels) {
  expect_misuse("run all_reduce --set N=3", "all_reduce has no use for --set; it is for");
  expect_misuse("check all_reduce --set N=3", "all_reduce has no use for --set; it is for");
  expect_misuse("run barrier --time-limit 3", "barrier has no use for --time-limit; its kernels");
  expect_misuse("check barrier --time-limit 3", "barrier has no use for --time-limit; its");
  for (const char* command : {"run", "check"}) {
    expect_misuse(
        std::string(command) + " all_reduce --in-process",
        "all_reduce` has no use for --in-process; Peal's own kernels run in this process");
  }
  expect_misuse("run all_reduce --tolerance 1", "or leave --tolerance away");
  expect_misuse("check all_reduce --blocks 2", "or leave --blocks away");
  expect_misuse("run " + ring + " -p shm --in-process", "its ranks are processes of their own");
  expect_misuse("run all_reduce --calls 3", "all_reduce has no use for --calls; use --repeat");
  EXPECT_NE(run_peal("check barrier -n 2 -c 3").err.find("note: barrier does not use --count"),
            std::string::npos);
}

TEST(UnusedOption, ATargetHasOneDescription) {
  expect_misuse("run " + ring + " --case x.toml", "is a Peal kernel, which its own description");
  expect_misuse("check " + ring + " --arg context", "leave --arg away");
  expect_misuse("run " + ring_case + "/case.toml --case x.toml", "is a case file, as `x.toml`");
}

TEST(UnusedOption, ARecordedRunIsWhatItIs) {
  const TemporaryFolder folder;
  const std::string events = folder.path("run.ev");
  ASSERT_EQ(run_peal("check barrier -n 2 --events " + events).code, 0);
  EXPECT_EQ(run_peal("check " + events).code, 0);
  for (const char* option : {"-c 3", "-t f32", "--op max", "--root 1", "-d 0-1", "--calls 2",
                             "--set N=1", "--strict", "-p a5sim", "--schedules 3", "-a ring"}) {
    expect_misuse("check " + events + " " + option, "; give it where the events are recorded");
  }
}

TEST(Values, OfAKernelAreSetByName) {
  const Finished set = run_peal("check " + ring + " -d 0-1 --set count=3K/1K");
  EXPECT_EQ(set.code, 0) << set.err;
  EXPECT_TRUE(set.out.starts_with("peal check " + ring + " --set count=3K/1K\n2 ranks\n"));
  for (const char* option : {"-c 2K", "--set count=2K", "--set 'count=512*P'"}) {
    const Finished run = run_peal("run " + ring + " --json - " + option);
    EXPECT_EQ(run.code, 0) << run.err;
    EXPECT_NE(run.out.find("\"time_ps\": "), std::string::npos);
    EXPECT_EQ(run.out, run_peal("run " + ring + " --json - -c 2048").out) << option;
  }
  expect_misuse("run " + ring + " --set N=4",
                "has no value `N` that could be set; set `count`, or add it to the values");
  expect_misuse("run " + ring + " --set count=4 -c 4", "--count and --set disagree about `count`");
  expect_misuse("run " + ring + " --set count=4 --set count=5", "--set gives `count` twice");
  expect_misuse("run " + ring + " --set count=-4", "which gives 0 elements; it must be from 1");
  expect_misuse("run " + ring + " -c 4x", "--count `4x` is not possible; use a whole number from");
}

TEST(Values, OfACaseAreSetByName) {
  expect_misuse("run " + ring_case + " -c 4",
                "has no value `count` that could be set; set `N`, `half`, `signals`, or add it");
  EXPECT_EQ(run_peal("run " + ring_case + " --set N=1K").code, 0);
}

TEST(Values, OfADescriptionHaveNamesAndMakeSense) {
  const auto message = [](std::vector<KernelValue> values) -> std::string {
    Kernel kernel{.name = "k", .run = [](Device&, const KernelArguments&) {}};
    kernel.values = std::move(values);
    try {
      static_cast<void>(run_kernel(kernel, {.ranks = 1}));
    } catch (const Error& error) {
      return error.what();
    }
    return "passed";
  };
  EXPECT_EQ(message({{"a", "P"}, {"b", "a + rank + call"}}), "passed");
  EXPECT_EQ(message({{"2a", "1"}}),
            "kernel `k`: value `2a` has no name; use letters, digits and `_`");
  EXPECT_EQ(message({{"P", "1"}}),
            "kernel `k`: value `P` means something else in expressions; rename it");
  EXPECT_EQ(message({{"a", "1"}, {"a", "1"}}),
            "kernel `k`: value `a` is there twice; give each its own name");
  EXPECT_TRUE(message({{"a", "b"}, {"b", "1"}})
                  .starts_with("kernel `k`: value `a` is `b`, which makes no sense: "));
  EXPECT_NE(message({{"a", "1 / rank"}}).find("by zero"), std::string::npos);
}

TEST(Values, AKernelReadsThem) {
  std::vector<std::int64_t> seen;
  Kernel kernel{.name = "k", .run = [&](Device&, const KernelArguments& args) {
                  seen.push_back(args.value("twice"));
                }};
  kernel.values = {{"N", "10 + call"}, {"twice", "2 * N"}};
  static_cast<void>(run_kernel(kernel, {.ranks = 1, .calls = 2}));
  EXPECT_EQ(seen, (std::vector<std::int64_t>{20, 22}));
}

void write_values(Device& self, const KernelArguments& args) {
  const std::span<std::byte> out = self.write(args.buffer("out"));
  const float value = static_cast<float>(args.value("twice"));
  for (std::size_t i = 0; i < out.size(); i += sizeof(value)) {
    std::memcpy(out.data() + i, &value, sizeof(value));
  }
}

TEST(Values, InAWorkerAreThoseOfTheDescription) {
  for (const char* platform : {"a2a3sim", "shm"}) {
    Worker worker = open_worker({.platform = platform, .devices = {0}});
    const CallableHandle handle = worker.add(peal::kernel(
        {.name = "k",
         .run = write_values,
         .buffers = {{.name = "out", .kind = KernelBuffer::Kind::output, .count = "N"}},
         .values = {{"N", "4"}, {"twice", "2 * N + rank"}}}));
    worker.start();
    std::vector<float> out(4);
    worker.run([&](Orchestrator& orch) { orch.submit(handle, Args{}.out(out), 0); });
    EXPECT_EQ(out, (std::vector<float>{8, 8, 8, 8})) << platform;
    std::vector<float> longer(5);
    EXPECT_THROW(
        worker.run([&](Orchestrator& orch) { orch.submit(handle, Args{}.out(longer), 0); }), Error);
  }
}

TEST(PlatformMeant, ATargetMeansItsSimulation) {
  const Finished run = run_peal("run barrier -n 2 -p a2a3");
  EXPECT_EQ(run.code, 0);
  EXPECT_TRUE(run.err.starts_with("peal: note: -p a2a3 means a2a3sim, its simulation\n"));
  EXPECT_EQ(run.out, run_peal("run barrier -n 2 -p a2a3sim").out);
  EXPECT_NE(run_peal("check barrier -n 2 -p a5").err.find("means a5sim"), std::string::npos);
  EXPECT_NE(run_peal("run barrier -n 2 -p host").err.find("means hostsim"), std::string::npos);
  expect_misuse("run barrier -p a7", "platform `a7` is unknown");
}

}  // namespace
}  // namespace peal
