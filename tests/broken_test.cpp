// SPDX-License-Identifier: Apache-2.0
// The catalogue of wrong programs in tests/broken, each beside its repaired twin.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "peal/base/error.h"
#include "peal/launch/case_run.h"
#include "peal/launch/kernel_run.h"
#include "tests/program.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

const fs::path folder = PEAL_SOURCE_DIR "/tests/broken";

const std::set<std::string> classes = {
    "race",          "lost_signal",  "line_clobber",    "stale_read",    "missing_flag",
    "flag_left_set", "event_reused", "not_drained",     "not_flushed",   "out_of_bounds",
    "never_written", "deadlock",     "never_satisfied", "missed_value",  "vacuous_wait",
    "wrong_result",  "crash",        "unread_bytes",    "unneeded_sync", "unwaited_notify",
    "none"};

// A row of expected.toml; README.md there says what the keys mean.
struct Program {
  std::string program, case_file, twin, finding, source;
  std::vector<std::string> lines, also;
  std::vector<int> ranks;

  [[nodiscard]] bool is_peal() const { return !twin.empty(); }
};

enum class Version : bool { wrong, repaired };

std::vector<std::string> texts(const toml::table& row, std::string_view key) {
  std::vector<std::string> result;
  if (const toml::array* array = row[key].as_array(); array != nullptr) {
    for (const toml::node& node : *array) result.push_back(node.value_or(std::string()));
  }
  return result;
}

std::vector<Program> programs() {
  std::vector<Program> result;
  const toml::table table = toml::parse_file((folder / "expected.toml").string());
  for (const toml::node& node : *table["program"].as_array()) {
    const toml::table& row = *node.as_table();
    const auto text = [&](std::string_view key) { return row[key].value_or(std::string()); };
    Program program{.program = text("program"),
                    .case_file = text("case"),
                    .twin = text("twin"),
                    .finding = text("class"),
                    .source = text("source"),
                    .lines = texts(row, "lines"),
                    .also = texts(row, "also"),
                    .ranks = {}};
    if (program.source.empty()) program.source = program.program;
    if (const toml::array* ranks = row["ranks"].as_array(); ranks != nullptr) {
      for (const toml::node& number : *ranks) program.ranks.push_back(number.value_or(0));
    }
    if (program.ranks.empty()) program.ranks = {2, 4};
    result.push_back(program);
  }
  return result;
}

CaseRunResult run(const Program& program, Version version, const CaseRunRequest& request) {
  if (program.is_peal()) {
    const std::string& file = version == Version::wrong ? program.program : program.twin;
    return run_kernel(load_kernel_file(folder / file), request);
  }
  const std::string file = program.case_file.empty() ? program.program : program.case_file;
  CaseFile described =
      read_case_file(folder / file, {{"repaired", version == Version::repaired ? "1" : "0"}});
  if (!program.case_file.empty()) described.kernels.front().file = folder / program.program;
  return run_case(described, request);
}

// The numbers of the lines behind whose code a comment begins with that word.
std::vector<int> marked_lines(const fs::path& source, const std::string& marker) {
  std::vector<int> result;
  std::istringstream text(file_text(source));
  int number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    const std::size_t comment = line.find("// ");
    if (comment == line.npos || line.find_first_not_of(' ') == comment) continue;
    std::istringstream words(line.substr(comment + 3));
    for (std::string word; words >> word;) {
      if (word == marker || word == marker + ":") result.push_back(number);
      if (word != "and" && word != "first") break;
    }
  }
  return result;
}

class Broken : public testing::TestWithParam<Program> {};

TEST_P(Broken, TheRepairedTwinIsRightUnderEverySchedule) {
  for (const int ranks : GetParam().ranks) {
    for (const char* platform : {"a2a3sim", "a5sim"}) {
      for (const char* schedule : {"virtual", "random:1", "random:2", "random:3"}) {
        SCOPED_TRACE(fmt::format("{} ranks of {} under {}", ranks, platform, schedule));
        const CaseRunResult result =
            run(GetParam(), Version::repaired,
                {.platform = platform, .ranks = ranks, .options = {.schedule = schedule}});
        EXPECT_EQ(result.mismatch.value_or(""), "");
      }
    }
  }
}

TEST_P(Broken, TheLinesOfItsFindingAreMarked) {
  EXPECT_TRUE(classes.contains(GetParam().finding)) << GetParam().finding;
  for (const std::string& other : GetParam().also) EXPECT_TRUE(classes.contains(other)) << other;
  for (const std::string& marker : GetParam().lines) {
    EXPECT_EQ(marked_lines(folder / GetParam().source, marker).size(), 1u) << marker;
  }
}

std::string test_name(const testing::TestParamInfo<Program>& test) {
  std::string name = fs::path(test.param.program).replace_extension();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '/' || c == '.'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Programs, Broken, testing::ValuesIn(programs()), test_name);

TEST(BrokenTable, WhatEveryRunShowsEndsTheRun) {
  const std::set<std::string> ends = {"deadlock", "never_satisfied", "out_of_bounds", "crash"};
  int count = 0;
  for (const Program& program : programs()) {
    if (!ends.contains(program.finding)) continue;
    ++count;
    for (const int ranks : program.ranks) {
      EXPECT_THROW(static_cast<void>(run(program, Version::wrong, {.ranks = ranks})), RunError)
          << program.program;
    }
  }
  EXPECT_GT(count, 10);
}

TEST(BrokenTable, HoldsEveryProgramOfTheFolder) {
  std::set<std::string> named;
  for (const Program& program : programs()) {
    named.insert((folder / program.program).lexically_normal());
    if (program.is_peal()) named.insert((folder / program.twin).lexically_normal());
  }
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path path = entry.path();
    const bool of_task = path.parent_path().parent_path() == folder / "tasks";
    const bool is_program = of_task ? path.filename() == "case.toml" : path.extension() == ".cpp";
    if (is_program) {
      EXPECT_EQ(named.count(path), 1u) << path;
    }
  }
}

}  // namespace
}  // namespace peal
