// SPDX-License-Identifier: Apache-2.0
// What --json says of runs that fail.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/program.h"

namespace peal {
namespace {

nlohmann::json failure_of(const std::string& arguments) {
  const TemporaryFolder folder;
  const std::string path = folder.path("x.json");
  const Finished finished = run_peal("run " + arguments + " --json " + path);
  EXPECT_EQ(finished.code, 1) << finished.err;
  const auto json = nlohmann::json::parse(file_text(path), nullptr, false);
  EXPECT_FALSE(json.is_discarded()) << arguments;
  EXPECT_EQ(json["verdict"], "FAIL");
  EXPECT_EQ(json["findings"].size(), 1u);
  return json;
}

// Rank 0 puts to rank 1 and returns; rank 1 goes on with `body`.
std::string source(const std::string& body) {
  return "#include \"peal/machine/kernel.h\"\n"
         "static void run(peal::Device& self, const peal::KernelArguments& args) {\n"
         "  if (self.rank() == 0) return self.put(peal::Rank{1}, args.buffer(\"w\"), "
         "args.buffer(\"w\"));\n"
         "#line 50\n  " +
         body +
         "\n}\n"
         "peal::Kernel peal_kernel() {\n"
         "  return {.name = \"k\", .run = run, .buffers = {{.name = \"w\", .count = \"16\"}},\n"
         "          .signals = {{.name = \"s\", .count = \"1\"}}, .calls = 1};\n}\n";
}

TEST(FailedRun, ADeadlockSaysHowEachRankHasEnded) {
  const TemporaryFolder folder;
  const std::string kernel = folder.path("k.cpp");
  std::ofstream(kernel) << source("self.wait(args.signals(\"s\")[0]);");
  const nlohmann::json json = failure_of(kernel + " -n 2");
  EXPECT_TRUE(std::string(json["failure"]).starts_with("deadlock: 1 of 2 ranks"));
  ASSERT_EQ(json["per_rank"].size(), 2u);
  EXPECT_EQ(json["per_rank"][0]["end"], "finished");
  EXPECT_EQ(json["per_rank"][0]["puts"], 1);
  EXPECT_EQ(json["per_rank"][0]["sent_bytes"], 64);
  EXPECT_EQ(json["per_rank"][1]["end"], "waits");
  EXPECT_EQ(json["per_rank"][1]["line"], 50);
  EXPECT_EQ(json["per_rank"][1]["puts"], 0);
  EXPECT_EQ(json["ranks"], 2);
}

TEST(FailedRun, AnErrorOfTheKernelNamesItsRank) {
  const TemporaryFolder folder;
  const std::string kernel = folder.path("k.cpp");
  for (const char* body : {"throw 3;", "*(volatile int*)16 = 1;", "args.signals(\"t\");"}) {
    std::ofstream(kernel, std::ios::trunc) << source(body);
    const nlohmann::json json = failure_of(kernel + " -n 2");
    EXPECT_EQ(json["per_rank"][1]["end"], "failed") << body << json.dump();
    EXPECT_EQ(json["per_rank"][0]["end"], "stopped") << body;
    EXPECT_TRUE(json["per_rank"][1].contains("what")) << body;
  }
}

TEST(FailedRun, ARunThatPassesHasTheSameKeys) {
  const Finished run = run_peal("run examples/kernels/ring_all_reduce.cpp -n 2 --json -");
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_TRUE(json["findings"].empty());
  EXPECT_EQ(json["per_rank"][0]["end"], "finished");
  EXPECT_GT(json["per_rank"][0]["sent_bytes"], 0);
  EXPECT_GT(json["per_rank"][0]["puts"], 0);
  const auto collective = nlohmann::json::parse(run_peal("run all_reduce -n 2 --json -").out);
  EXPECT_TRUE(collective["findings"].empty());
  EXPECT_EQ(collective["per_rank"][1]["end"], "finished");
}

}  // namespace
}  // namespace peal
