// SPDX-License-Identifier: Apache-2.0
// Random programs, half of them wrong, against a model that is not made of the checker's code.
#include "tests/support/random_programs.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

namespace peal {
namespace {

constexpr std::size_t programs_of_a_source = 50;

struct Extent {
  std::size_t programs = programs_of_a_source;  // the first ones of the source
  int schedules = 40;
};

// The checker and the model must say the same of each program of a source.
void expect_agreement(RandomKind kind, int source, const Extent& extent = {}) {
  const auto [count, schedules] = extent;
  const std::vector<RandomProgram> programs = random_programs(kind, source);
  ASSERT_EQ(programs.size(), programs_of_a_source);
  std::size_t right = 0;
  for (std::size_t k = 0; k < count; ++k) {
    if (programs[k].is_right()) ++right;
    for (const std::string& sentence : disagreements(programs[k], schedules)) {
      ADD_FAILURE() << sentence;
    }
  }
  // Neither side of the question may be missing.
  EXPECT_GE(right, count / 5) << source;
  EXPECT_LE(right, count - count / 5) << source;
}

TEST(RandomPrograms, AgreeOnPtoKernels) {
  expect_agreement(RandomKind::pto, 0, {.programs = 20, .schedules = 8});
}

TEST(RandomPrograms, AgreeOnVerbs) {
  expect_agreement(RandomKind::verbs, 0, {.programs = 10, .schedules = 8});
}

class RandomPtoPrograms : public testing::TestWithParam<int> {};
TEST_P(RandomPtoPrograms, TheCheckerAndTheModelAgree) {
  expect_agreement(RandomKind::pto, GetParam());
}
INSTANTIATE_TEST_SUITE_P(Long, RandomPtoPrograms, testing::Range(0, 20));

class RandomVerbPrograms : public testing::TestWithParam<int> {};
TEST_P(RandomVerbPrograms, TheCheckerAndTheModelAgree) {
  expect_agreement(RandomKind::verbs, GetParam());
}
INSTANTIATE_TEST_SUITE_P(Long, RandomVerbPrograms, testing::Range(0, 10));

}  // namespace
}  // namespace peal
