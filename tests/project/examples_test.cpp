// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "peal/launch/case_run.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

// The directories of examples/pto that hold a case, in the order of their names.
std::vector<std::string> example_names() {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(PEAL_SOURCE_DIR "/examples/pto")) {
    if (fs::exists(entry.path() / "case.toml")) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Examples : public testing::TestWithParam<std::string> {};

TEST_P(Examples, HoldOnEveryPlatformAndSchedule) {
  const fs::path folder = fs::path(PEAL_SOURCE_DIR "/examples/pto") / GetParam();
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".toml") continue;
    const CaseFile file = read_case_file(entry.path().string());
    for (const int ranks : file.ranks) {
      for (const char* platform : {"a2a3sim", "a5sim"}) {
        for (const char* schedule : {"virtual", "random:1", "random:2"}) {
          const CaseRunResult result = run_case(
              file, {.platform = platform, .ranks = ranks, .options = {.schedule = schedule}});
          EXPECT_TRUE(result.compared) << file.path;
          EXPECT_EQ(result.mismatch.value_or(""), "")
              << fmt::format("{} on {} ranks of {} under {}", file.path, ranks, platform, schedule);
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Pto, Examples, testing::ValuesIn(example_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace peal
