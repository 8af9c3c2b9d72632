// SPDX-License-Identifier: Apache-2.0
// Kernels that would take their process, or for ever: each ends in a report, and the caller goes
// on.
#include "tests/support/wrong_kernels.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "peal/base/process/watched_process.h"
#include "peal/launch/case_run.h"
#include "peal/launch/check_kernel.h"
#include "peal/launch/kernel_run.h"
#include "peal/launch/launch.h"
#include "peal/search/check.h"
#include "peal/search/check_text.h"
#include "tests/support/program.h"

#if defined(__SANITIZE_ADDRESS__)
// What has been freed is kept back for a while; that little of it that memory can be measured.
extern "C" const char* __asan_default_options() { return "quarantine_size_mb=16"; }
#endif

namespace peal {
namespace {

class WrongKernels : public testing::Test {
 protected:
  // What is given to `peal check`.
  std::string target(const WrongKernel& kernel) {
    const std::string source = folder_.path(kernel.name + ".cpp");
    std::ofstream(source) << source_of(kernel);
    if (kernel.in_verbs) return source;
    const std::string file = folder_.path(kernel.name + ".toml");
    std::ofstream(file) << case_of(source);
    return file;
  }

  CheckResult checked(const WrongKernel& kernel) {
    const std::string path = target(kernel);
    const Platform platform = simulated_target("a2a3sim");
    CheckSubject subject{.command = {},
                         .switches = platform.switches,
                         .runs_kernels = true,
                         .time_limit_seconds = 1,
                         .run = {}};
    subject.run = [&](int ranks, const RunOptions& options) {
      const CaseRunRequest request{
          .target = platform, .ranks = ranks, .time_limit_seconds = 1, .options = options};
      return outcome_of(kernel.in_verbs ? run_kernel(load_kernel_file(path), request)
                                        : run_case(read_case_file(path), request));
    };
    return check(subject, {.ranks = 4});
  }

  TemporaryFolder folder_;
};

void expect_report(const WrongKernel& kernel, const std::string& text) {
  EXPECT_NE(text.find(kernel.says), std::string::npos) << kernel.name << "\n" << text;
  EXPECT_EQ(text.find("defect"), std::string::npos) << kernel.name << "\n" << text;
}

WrongKernel find(const std::string& name) {
  for (const WrongKernel& kernel : wrong_kernels()) {
    if (kernel.name == name) return kernel;
  }
  ADD_FAILURE() << name;
  return {};
}

TEST_F(WrongKernels, TenInOneProcessAreReportedAndItGoesOn) {
  ASSERT_TRUE(can_watch());
  for (const char* name :
       {"drain_in_destructor", "wait_in_noexcept", "catch_all_around_wait", "throws_in_destructor",
        "exits_by_system_call", "kills_itself", "frees_twice", "initialiser_throws", "verb_exits",
        "verb_wrong_in_noexcept"}) {
    const WrongKernel kernel = find(name);
    const CheckResult result = checked(kernel);
    EXPECT_FALSE(result.is_clean()) << name;
    expect_report(kernel, describe("", result));
  }
  const CheckResult right = checked(find("static_vector"));
  EXPECT_TRUE(right.is_clean()) << describe("", right);
}

// Those that are stopped at an event of ours leave the process that runs them usable, too.
TEST_F(WrongKernels, ManyDeadlocksInThisProcessLoseLittle) {
  const WrongKernel kernel = find("leaks_a_vector");
  const CaseFile file = read_case_file(target(kernel));
  const auto resident_kib = [] {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
    }
    return 0L;
  };
  // Its frames own a vector of 4000 bytes, which is lost each time.
  constexpr int runs = 200;
  constexpr long lost_kib_each = 64;
  const int code = code_of_child([&] {
    const auto run_once = [&] {
      try {
        static_cast<void>(run_case(file, {.ranks = 4}));
      } catch (const RunError&) {
        return true;
      }
      return false;
    };
    if (!run_once()) return 1;
    const long before = resident_kib();
    for (int i = 0; i < runs; ++i) {
      if (!run_once()) return 2;
    }
    return resident_kib() - before < runs * lost_kib_each ? 0 : 3;
  });
  EXPECT_EQ(code, 0);
}

class EveryWrongKernel : public WrongKernels, public testing::WithParamInterface<WrongKernel> {};

TEST_P(EveryWrongKernel, EndsInAReport) {
  const WrongKernel& kernel = GetParam();
  const Finished finished = run_program(
      "timeout", fmt::format("120 {} check {} -n 4 --time-limit 1", PEAL_BINARY, target(kernel)));
  EXPECT_EQ(finished.code, kernel.is_right ? 0 : 1) << finished.out << finished.err;
  if (kernel.is_right) return;
  expect_report(kernel, finished.out + finished.err);
  const Finished run = run_program(
      "timeout", fmt::format("120 {} run {} -n 4 --time-limit 1", PEAL_BINARY, target(kernel)));
  EXPECT_EQ(run.code, 1) << run.out << run.err;
}

INSTANTIATE_TEST_SUITE_P(Long, EveryWrongKernel, testing::ValuesIn(wrong_kernels()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace peal
