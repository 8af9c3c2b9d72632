// SPDX-License-Identifier: Apache-2.0
// Collectives on buffers that lie in windows, at the same place on every rank or not.
#include <gtest/gtest.h>

#include "peal/collectives/registry.h"
#include "peal/executors/shm/executor.h"
#include "peal/launch/launch.h"
#include "peal/launch/platforms.h"
#include "tests/support/slice.h"
#include "tests/support/window_case.h"

namespace peal::tests {
namespace {

TEST(Windows, BuffersMayLieAnywhereInThem) {
  ShmExecutor executor(load_platform("host"));
  for (const Algorithm& algorithm : algorithms()) {
    if (algorithm.collective == Collective::barrier) continue;
    EXPECT_EQ(run_in_windows(executor, window_cases(algorithm, 3), Where::alike), "");
    if (!algorithm.needs.send_in_window && !algorithm.needs.recv_in_window) continue;
    for (int ranks : all_or_slice({1, 2, 3}, {3})) {
      EXPECT_EQ(run_in_windows(executor, window_cases(algorithm, ranks), Where::alike), "");
      EXPECT_EQ(run_in_windows(executor, window_cases(algorithm, ranks), Where::apart), "");
      EXPECT_EQ(run_in_windows(executor, window_cases(algorithm, ranks), Where::in_place), "");
    }
  }
}

TEST(Windows, BuffersMayLieAnywhereInSimulatedOnesToo) {
  const auto executor = open_executor("hostsim");
  for (const Algorithm& algorithm : algorithms()) {
    if (!algorithm.needs.send_in_window && !algorithm.needs.recv_in_window) continue;
    for (const char* schedule : {"virtual", "random:3"}) {
      for (int ranks : all_or_slice({1, 2, 3, 5}, {1, 3})) {
        for (Where where : {Where::alike, Where::apart, Where::in_place}) {
          EXPECT_EQ(run_in_windows(*executor, window_cases(algorithm, ranks), where,
                                   {.schedule = schedule}),
                    "");
        }
      }
    }
  }
}

}  // namespace
}  // namespace peal::tests
