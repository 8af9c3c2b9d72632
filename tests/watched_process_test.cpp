// SPDX-License-Identifier: Apache-2.0
#include "peal/base/watched_process.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <string>

#include "peal/base/last_words.h"

namespace peal {
namespace {

constexpr double limit_seconds = 0.3;
constexpr int longer_ms = 900;

std::string wait_for_nothing() {
  ::poll(nullptr, 0, longer_ms);
  return "an answer";
}

TEST(WatchedProcess, WhatWaitsForTheSystemIsEnded) {
  const WatchedEnd end = run_watched(wait_for_nothing, limit_seconds);
  EXPECT_FALSE(end.has_answered);
  EXPECT_NE(end.what.find("waits for something of the system"), std::string::npos) << end.what;
}

// As for the compiler, which takes as long as it takes on a machine with much to do.
TEST(WatchedProcess, WhatWaitsRightlyMayTakeItsTime) {
  const WatchedEnd end = run_watched(
      [] {
        const RightfulWait wait;
        return wait_for_nothing();
      },
      limit_seconds);
  ASSERT_TRUE(end.has_answered) << end.what;
  EXPECT_EQ(end.answer, "an answer");
}

}  // namespace
}  // namespace peal
