// SPDX-License-Identifier: Apache-2.0
// Many calls in a row, of random collectives and sizes, by ranks that are held up at random.
#include <gtest/gtest.h>

#include <utility>

#include "peal/executors/shm/executor.h"
#include "peal/launch/platforms.h"
#include "tests/support/collective_case.h"
#include "tests/support/random_calls.h"

namespace peal::tests {
namespace {

TEST(ShmStress, RandomCallsInARow) {
  ShmExecutor executor(load_platform("host"));
  unsigned seed = 1;
  for (const auto& [ranks, calls] : {std::pair{2, 3000}, std::pair{3, 800}, std::pair{16, 100}}) {
    const auto program = [&, count = calls](Team& team) {
      return run_random_calls(team, count, seed);
    };
    EXPECT_EQ(run_texts(executor, ranks, program), "");
    ++seed;
  }
}

}  // namespace
}  // namespace peal::tests
