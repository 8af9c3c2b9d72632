// SPDX-License-Identifier: Apache-2.0
// The commands that run ranks for real.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/program.h"

namespace peal {
namespace {

TEST(CliShm, RunsAndCompares) {
  for (const char* ranks : {"1", "2", "5", "16"}) {
    const Finished finished = run_peal(
        "run all_reduce -t f16 --op max --fill rand -c 1001 -p shm -n " + std::string(ranks));
    EXPECT_EQ(finished.code, 0) << finished.err;
    EXPECT_TRUE(finished.out.ends_with("PASS\n")) << finished.out;
    EXPECT_EQ(finished.out.find("simulated"), std::string::npos) << finished.out;
  }
  EXPECT_EQ(run_peal("run barrier -p shm -n 4 --repeat 100").code, 0);
  EXPECT_EQ(run_peal("run all_reduce -p shm -n 2 -c 2 --repeat 20000").code, 0);
  EXPECT_EQ(run_peal("run all_reduce -p shm -n 16 -c 2 --repeat 200").code, 0);
}

TEST(CliShm, LaunchPassesOnHowItsRanksEnd) {
  EXPECT_EQ(run_peal("launch -n 3 -- true").code, 0);
  const Finished failed = run_peal("launch -n 3 -- sh -c 'exit $((PEAL_RANK * 3))'");
  EXPECT_TRUE(failed.code == 3 || failed.code == 6) << failed.code;
  EXPECT_TRUE(failed.err.starts_with("peal: rank ")) << failed.err;
  const Finished killed = run_peal("launch -n 1 -- sh -c 'kill -9 $$'");
  EXPECT_EQ(killed.code, 128 + 9);
  EXPECT_NE(killed.err.find("was killed by signal 9"), std::string::npos) << killed.err;
}

TEST(CliShm, WhatCannotBeSaidOnStderrEndsNothing) {
  for (const char* closed : {"2>&-", "2>/dev/full"}) {
    for (const char* arguments : {"run all_reduce -n 4 ", "run all_reduce -p shm -n 2 ",
                                  "run barrier --op sum ", "launch -n 2 -- true "}) {
      EXPECT_EQ(run_peal(std::string(arguments) + closed).code, 0) << arguments << closed;
    }
    EXPECT_EQ(run_peal(std::string("launch -n 2 -- false ") + closed).code, 1) << closed;
  }
}

TEST(CliShm, BenchMeasuresAndCompares) {
  const TemporaryFolder folder;
  for (const char* collective : {"all_reduce", "all_gather", "reduce_scatter", "all_to_all",
                                 "broadcast", "reduce", "gather", "scatter", "barrier"}) {
    const Finished finished =
        run_peal(std::string("bench ") + collective +
                 " -n 2 -b 12 -e 96 -f 8 --iterations 10 --json " + folder.path("x.json"));
    EXPECT_EQ(finished.code, 0) << finished.out << finished.err;
    const auto rows = nlohmann::json::parse(file_text(folder.path("x.json"))).at("rows");
    EXPECT_GE(rows.size(), 2u) << collective;
    for (const auto& row : rows) {
      EXPECT_EQ(row.at("wrong"), 0) << collective;
      EXPECT_GT(row.at("median_us"), 0) << collective;
    }
  }
}

// A collective and a kernel from a file, one after the other.
TEST(CliShm, RunsADescribedGraph) {
  const TemporaryFolder folder;
  std::ofstream(folder.path("graph.toml"))
      << "platform = \"shm\"\ndevices = \"0-2\"\n[values]\nN = 1000\n"
         "[callable.sum]\ncollective = \"all_reduce\"\n"
         "[callable.ring]\nkernel = \"" PEAL_SOURCE_DIR
         "/examples/kernels/ring_all_reduce.cpp\"\n"
         "[domain.all]\ndevices = \"0-2\"\nwindow_bytes = 4096\n"
         "buffers = [ { name = \"inbox\", array = \"f32[1002]\" } ]\n"
         "[buffer.x]\ndevices = \"0-2\"\narray = \"f32[N]\"\nfill = \"i + rank\"\n"
         "[buffer.y]\ndevices = \"0-2\"\narray = \"f32[N]\"\nexpect = \"9*i + 9\"\n"
         "[[task]]\nrun = \"sum\"\ndevices = \"0-2\"\n"
         "args = [ { in = \"x\" }, { out = \"y\" }, { context = \"all\" } ]\n"
         "[[task]]\nrun = \"ring\"\ndevices = \"0-2\"\n"
         "args = [ { inout = \"y\" }, { inout = \"all.inbox\" }, { context = \"all\" } ]\n";
  const Finished finished = run_peal("graph " + folder.path("graph.toml"));
  EXPECT_EQ(finished.code, 0) << finished.out << finished.err;
  EXPECT_TRUE(finished.out.ends_with("PASS\n")) << finished.out;
  const Finished example = run_peal("graph examples/graphs/sum_of_sums.toml -p shm");
  EXPECT_EQ(example.code, 0) << example.out << example.err;
  EXPECT_TRUE(example.out.ends_with("PASS\n")) << example.out;
  const Finished checked = run_peal("graph --checks " + folder.path("graph.toml"));
  EXPECT_EQ(checked.code, 2);
  EXPECT_NE(checked.err.find("worker: platform shm runs for real"), std::string::npos);
}

TEST(CliShm, Misuse) {
  const std::pair<const char*, const char*> cases[] = {
      {"launch -n 0 -- true", "--ranks `0` is not possible; use a whole number from 1 to 4096"},
      {"launch -n 2 -- no_such_program",
       "launch: `no_such_program` is no program that can be run; name an executable file, or one "
       "of the folders in PATH"},
      {"launch -n 2 -- ./README.md", "launch: `./README.md` is no program that can be run"},
      {"launch -n 2 -- /tmp", "launch: `/tmp` is no program that can be run"},
      {"launch -n 2", "command is required; see `peal launch --help`"},
      {"bench all_reduce -p a2a3sim", "bench: platform `a2a3sim` is simulated, and this measures"},
      {"bench all_reduce -b 64 -e 8", "--largest 8 is below --smallest 64; give sizes that ascend"},
      {"bench broadcast -n 2 --root 2",
       "--root `2` is not possible; use a whole number from 0 to 1"},
      {"bench broadcast -n 2 --root 4294967296", "--root `4294967296` is not possible"},
      {"bench all_reduce -b 64Q",
       "--smallest `64Q` is not possible; use a whole number of bytes from 1 to 16G"},
      {"bench all_reduce -b 99G", "--smallest `99G` is not possible"},
      {"tune 3", "see `peal tune --help`"},
      {"tune -c reduce", "tune: reduce has only one algorithm that `auto` may take"},
      {"run all_reduce -p shm --save-schedule x",
       "platform shm: a schedule for `x` cannot be saved"},
      {"run all_reduce -p shm --schedule random:1", "platform shm: schedule `random:1` cannot be"},
      {"check all_reduce -p shm", "platform `shm` runs for real, which this cannot do; use one of"},
      {"run examples/pto/broadcast -p shm", "platform `shm` runs for real, which this cannot do"},
      {"graph examples/graphs/two_sums.toml -p shm", "platform shm has none; use one of a2a3sim"},
  };
  for (const auto& [arguments, text] : cases) {
    const Finished finished = run_peal(arguments);
    EXPECT_EQ(finished.code, 2) << arguments;
    EXPECT_NE(finished.err.find(text), std::string::npos) << arguments << ": " << finished.err;
    EXPECT_EQ(finished.out, "") << arguments;
  }
}

}  // namespace
}  // namespace peal
