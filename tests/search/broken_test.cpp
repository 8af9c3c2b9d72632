// SPDX-License-Identifier: Apache-2.0
// The catalogue of wrong programs in tests/broken, each beside its repaired twin.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/checks/finding.h"
#include "peal/launch/case_run.h"
#include "peal/search/check.h"
#include "peal/search/check_text.h"
#include "peal/search/mutation.h"
#include "tests/support/broken_program.h"
#include "tests/support/program.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

bool is_class(const std::string& text) {
  return text == "none" || find_finding_class(text).has_value();
}

class Broken : public testing::TestWithParam<BrokenProgram> {};

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

CheckResult checked(const BrokenProgram& program, Version version, int ranks) {
  return check(subject(program, version), {.ranks = ranks, .schedules = 16});
}

// How the findings differ from the row, and what they are if they do.
std::string differences_text(const BrokenProgram& program, Version version,
                             const CheckResult& result) {
  const auto found = differences(program, version, result.findings);
  return found.empty() ? ""
                       : fmt::format("{}\namong {}", fmt::join(found, "\n"), describe("", result));
}

TEST_P(Broken, TheChecksFindWhatTheRowSaysAndNothingElse) {
  std::set<std::string> classes;
  for (const int ranks : GetParam().ranks) {
    const CheckResult result = checked(GetParam(), Version::wrong, ranks);
    EXPECT_EQ(differences_text(GetParam(), Version::wrong, result), "");
    for (const CheckedFinding& found : result.findings) classes.insert(name(found.finding.kind));
  }
  for (const std::string& other : GetParam().also) EXPECT_TRUE(classes.contains(other)) << other;
}

TEST_P(Broken, TheChecksFindNothingInTheTwin) {
  for (const int ranks : GetParam().ranks) {
    const CheckResult result = checked(GetParam(), Version::repaired, ranks);
    EXPECT_EQ(differences_text(GetParam(), Version::repaired, result), "");
  }
}

TEST_P(Broken, TheLinesOfItsFindingAreMarked) {
  EXPECT_TRUE(is_class(GetParam().finding)) << GetParam().finding;
  for (const std::string& other : GetParam().also) EXPECT_TRUE(is_class(other)) << other;
  for (const std::string& marker : GetParam().lines) {
    EXPECT_EQ(marked_lines(broken_folder / GetParam().source, marker).size(), 1u) << marker;
  }
}

std::string test_name(const testing::TestParamInfo<BrokenProgram>& test) {
  std::string name = fs::path(test.param.program).replace_extension();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '/' || c == '.'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Programs, Broken, testing::ValuesIn(broken_programs()), test_name);

TEST(BrokenTable, WhatEveryRunShowsEndsTheRun) {
  const std::set<std::string> ends = {"deadlock", "never_satisfied", "out_of_bounds", "crash"};
  int count = 0;
  for (const BrokenProgram& program : broken_programs()) {
    if (!ends.contains(program.finding)) continue;
    ++count;
    for (const int ranks : program.ranks) {
      EXPECT_THROW(static_cast<void>(run(program, Version::wrong, {.ranks = ranks})), RunError)
          << program.program;
    }
  }
  EXPECT_GT(count, 10);
}

BrokenProgram row(const std::string& program) {
  for (const BrokenProgram& each : broken_programs()) {
    if (each.program == program) return each;
  }
  ADD_FAILURE() << program << " is in no row";
  return {};
}

// Leaves out one synchronisation of the source at a time; the lines of those that nothing catches.
std::vector<int> unneeded_lines(const BrokenProgram& program, Version version) {
  std::vector<int> result;
  const auto is_own = [&](const FindingLine& line) {
    return fs::path(line.file).filename() == fs::path(program.source).filename();
  };
  for (const Mutation& mutation : mutate(
           {.subjects = {subject(program, version)}, .ranks = program.ranks, .mutates = is_own})) {
    if (mutation.caught_by) continue;
    for (const FindingLine& line : mutation.unit.lines) {
      result.push_back(static_cast<int>(line.line));
    }
  }
  return result;
}

// Each synchronisation that can go while all others stay is found, so not the marked one alone.
TEST(BrokenTable, MutationsFindTheSynchronisationThatIsNotNeeded) {
  int count = 0;
  for (const BrokenProgram& program : broken_programs()) {
    if (program.finding != name(FindingClass::unneeded_sync)) continue;
    ++count;
    const auto marked = marked_lines(broken_folder / program.source, program.lines.front());
    const std::vector<int> unneeded = unneeded_lines(program, Version::wrong);
    EXPECT_EQ(std::count(unneeded.begin(), unneeded.end(), marked.front()), 1);
    EXPECT_EQ(unneeded_lines(program, Version::repaired), std::vector<int>{});
  }
  EXPECT_GT(count, 0);
}

TEST(BrokenTable, AWrongRowIsSeen) {
  const BrokenProgram right = row("race.cpp");
  const auto found = checked(right, Version::wrong, 2).findings;
  const auto count = [&](const BrokenProgram& program, Version version = Version::wrong) {
    return differences(program, version, found).size();
  };
  EXPECT_EQ(count(right), 0u);
  EXPECT_EQ(count(right, Version::repaired), 1u);  // as if it were the twin
  BrokenProgram changed = right;
  changed.finding = "none";
  EXPECT_EQ(count(changed), 1u);
  changed.finding = "deadlock";
  EXPECT_EQ(count(changed), 2u);  // one is missing, one is unexpected
  changed.also = {"race"};
  EXPECT_EQ(count(changed), 1u);
  changed = right;
  changed.lines = {"second", "third"};
  EXPECT_EQ(count(changed), 1u);
}

TEST(BrokenTable, ARaceOfTasksNamesBoth) {
  for (const CheckedFinding& found :
       checked(row("tasks/no_dep/case.toml"), Version::wrong, 2).findings) {
    if (found.finding.kind != FindingClass::race) continue;
    std::set<std::string> tasks;
    for (const FindingSide& side : found.finding.sides) tasks.insert(side.task);
    EXPECT_EQ(tasks, (std::set<std::string>{"task 0 of kernel 0", "task 1 of kernel 0"}));
    EXPECT_EQ(found.finding.reason,
              "nothing orders the two: rank 0 has waited for nothing before this");
    return;
  }
  FAIL() << "no race is found";
}

// One after the other they may well be loaded at the same address.
TEST(BrokenTable, LinesAreThoseOfTheKernelThatRuns) {
  for (const char* program : {"no_dsb.cpp", "no_dcci.cpp", "no_dsb.cpp"}) {
    const CheckResult result = checked(row(program), Version::wrong, 2);
    EXPECT_EQ(differences_text(row(program), Version::wrong, result), "");
  }
}

TEST(BrokenTable, IsTheCatalogueOfTheDocumentation) {
  std::string expected = "| program | class | mistake |\n|---|---|---|\n";
  for (const BrokenProgram& each : broken_programs()) {
    expected += fmt::format("| `{}` | {} | {} |\n", each.program, each.finding, each.about);
  }
  const std::string text = file_text(PEAL_SOURCE_DIR "/docs/checks.md");
  const std::size_t begin = text.find("| program |");
  ASSERT_NE(begin, text.npos);
  EXPECT_EQ(text.substr(begin), expected);
}

TEST(BrokenTable, EveryClassIsDocumentedAndHasAProgram) {
  const std::string text = file_text(PEAL_SOURCE_DIR "/docs/checks.md");
  for (int i = 0; i < finding_class_count; ++i) {
    const std::string kind = name(static_cast<FindingClass>(i));
    EXPECT_NE(text.find("\n| " + kind + " |"), text.npos) << kind;
    const auto programs = broken_programs();
    EXPECT_TRUE(std::any_of(programs.begin(), programs.end(), [&](const BrokenProgram& each) {
      return each.finding == kind;
    })) << kind;
  }
}

TEST(BrokenTable, HoldsEveryProgramOfTheFolder) {
  std::set<std::string> named;
  for (const BrokenProgram& program : broken_programs()) {
    named.insert((broken_folder / program.program).lexically_normal());
    if (program.is_peal()) named.insert((broken_folder / program.twin).lexically_normal());
  }
  for (const auto& entry : fs::recursive_directory_iterator(broken_folder)) {
    const fs::path path = entry.path();
    const bool of_task = path.parent_path().parent_path() == broken_folder / "tasks";
    const bool is_program = of_task ? path.filename() == "case.toml" : path.extension() == ".cpp";
    if (is_program) {
      EXPECT_EQ(named.count(path), 1u) << path;
    }
  }
}

}  // namespace
}  // namespace peal
