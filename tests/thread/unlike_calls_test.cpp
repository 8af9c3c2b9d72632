// SPDX-License-Identifier: Apache-2.0
// Ranks whose calls differ, as threads: what they show each other of their calls is read while it
// changes.
#include "tests/support/unlike_calls.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "peal/collectives/registry.h"
#include "peal/executors/shm/executor.h"
#include "peal/launch/platforms.h"

namespace peal::tests {
namespace {

TEST(ThreadUnlikeCalls, OfEveryAlgorithmAreToldByAll) {
  ShmExecutor executor(load_platform("host"), ShmExecutor::Ranks::threads);
  for (const Algorithm& algorithm : algorithms()) {
    if (algorithm.collective == Collective::barrier) continue;
    for (int ranks : {2, 3}) {
      std::vector<UnlikeCall> calls(
          static_cast<std::size_t>(ranks),
          {.collective = algorithm.collective, .count = 70, .algorithm = algorithm.name});
      calls.back().count = 71;
      const UnlikeRun run = run_unlike(executor, calls, ranks - 2);
      SCOPED_TRACE(fmt::format("{} {}: {}", name(algorithm.collective), algorithm.name, run.text));
      EXPECT_NE(run.text.find("with count 70 (tests/support/unlike_calls.cpp:"), std::string::npos);
      EXPECT_NE(run.text.find(fmt::format("rank {} with count 71 (", ranks - 1)),
                std::string::npos);
      for (const std::string& text : run.ranks) EXPECT_EQ(text, run.text);
      EXPECT_EQ(run.spoilt, 0);
    }
  }
}

TEST(ThreadUnlikeCalls, ThatNeverMeetAreToldByTheDeadlock) {
  ShmExecutor executor(load_platform("host"), ShmExecutor::Ranks::threads);
  const std::vector<UnlikeCall> calls = {{.collective = Collective::broadcast, .count = 9},
                                         {.collective = Collective::all_to_all, .count = 9}};
  const UnlikeRun run = run_unlike(executor, calls, 2);
  EXPECT_NE(run.text.find("broadcast: rank 0 calls it (tests/support/unlike_calls.cpp:"),
            std::string::npos)
      << run.text;
  EXPECT_NE(run.text.find("rank 1 calls all_to_all ("), std::string::npos) << run.text;
}

}  // namespace
}  // namespace peal::tests
