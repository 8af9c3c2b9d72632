// SPDX-License-Identifier: Apache-2.0
// The comparison with other libraries, without any of them: Peal and the limit alone.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/program.h"

namespace peal {
namespace {

Finished run_bench_peers(const std::string& arguments) {
  return run_program(PEAL_BENCH_PEERS, arguments);
}

class BenchPeers : public testing::Test {
 protected:
  void SetUp() override {
    if (::access(PEAL_BENCH_PEERS, X_OK) != 0) GTEST_SKIP() << "built without benchmarks";
  }
};

TEST_F(BenchPeers, MeasuresComparesAndReports) {
  const TemporaryFolder folder;
  const Finished finished =
      run_bench_peers("--contestants peal,limit -b 12 --rounds 2 --json " + folder.path("x.json"));
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_NE(finished.out.find("all_reduce, f32, 2 ranks"), std::string::npos) << finished.out;
  const auto json = nlohmann::json::parse(file_text(folder.path("x.json")));
  EXPECT_EQ(json.at("rounds"), 2);
  EXPECT_EQ(json.at("failures").size(), 0u);
  const auto& rows = json.at("modes").at(0).at("rows");
  EXPECT_EQ(rows.size(), 5u * 2);  // collectives, regimes
  for (const auto& row : rows) {
    for (const auto& figure : row.at("figures")) EXPECT_GT(figure.at("calls"), 0u) << row;
  }
  std::set<std::tuple<std::string, std::string, std::string>> measured;
  for (const auto& batch : json.at("batches")) {
    EXPECT_EQ(batch.at("wrong"), 0) << batch;
    measured.emplace(batch.at("collective"), batch.at("regime"), batch.at("contestant"));
  }
  // Each collective in two regimes: windows, private memory, five ways to the limit; two of them
  // for reduce_scatter.
  EXPECT_EQ(measured.size(), 2u * (5 * 7 - 3));
}

TEST_F(BenchPeers, TakesAnyNumberOfRanks) {
  for (const char* ranks : {"1", "3"}) {
    const Finished finished = run_bench_peers(
        std::string("--contestants peal,limit -b 1K --rounds 1 --collective all_to_all -n ") +
        ranks);
    EXPECT_EQ(finished.code, 0) << finished.err;
  }
}

TEST_F(BenchPeers, SaysWhoDoesNotStart) {
  const Finished finished = run_bench_peers(
      "--contestants peal,limit --peal /nowhere/peal --collective broadcast -b 8 --rounds 1");
  EXPECT_EQ(finished.code, 1);
  EXPECT_NE(finished.err.find("peal does not start; it says: /nowhere/peal cannot be run"),
            std::string::npos)
      << finished.err;
}

// Whether it comes within a minute.
bool comes(const std::function<bool()>& what) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!what()) {
    if (std::chrono::steady_clock::now() > end) return false;
    ::sched_yield();
  }
  return true;
}

TEST_F(BenchPeers, LeavesNothingWhenItIsKilled) {
  const TemporaryFolder folder;
  const auto entries = [&] {
    using Iterator = std::filesystem::directory_iterator;
    return std::vector<std::filesystem::path>(Iterator(folder.path("")), Iterator());
  };
  const pid_t driver = ::fork();
  if (driver == 0) {
    ::setenv("TMPDIR", folder.path("").c_str(), 1);
    const int nothing = ::open("/dev/null", O_WRONLY);
    ::dup2(nothing, STDOUT_FILENO);
    ::dup2(nothing, STDERR_FILENO);
    ::execl(PEAL_BENCH_PEERS, PEAL_BENCH_PEERS, "--contestants", "limit", "-b", "8", nullptr);
    ::_exit(127);
  }
  // By then its ranks are about to start.
  EXPECT_TRUE(comes([&] {
    const auto made = entries();
    return made.size() == 1 && std::filesystem::exists(made.front() / "driver");
  }));
  ::kill(driver, SIGKILL);
  EXPECT_EQ(::waitpid(driver, nullptr, 0), driver);
  EXPECT_TRUE(comes([&] { return entries().empty(); }));
}

TEST_F(BenchPeers, Misuse) {
  const std::pair<const char*, const char*> cases[] = {
      {"--contestants nobody", "--contestants `nobody` fits none of those that have been built"},
      {"--collective gather", "--collective `gather` is not known; use one of: all_reduce, "},
      {"--regime cold", "--regime `cold` is not known; use one of: touched, untouched"},
      {"-n 65", "--ranks `65` is not possible; use a whole number from 1 to 64"},
      {"-b 64 -e 8", "--largest 8 is below --smallest 64; give sizes that ascend"},
      {"--json /nowhere/x.json", "output `/nowhere/x.json` cannot be written"},
      {"--sizes 8", "--sizes"},
  };
  for (const auto& [arguments, text] : cases) {
    const Finished finished = run_bench_peers(arguments);
    EXPECT_EQ(finished.code, 2) << arguments;
    EXPECT_NE(finished.err.find(text), std::string::npos) << arguments << ": " << finished.err;
  }
}

}  // namespace
}  // namespace peal
