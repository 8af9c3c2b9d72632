// SPDX-License-Identifier: Apache-2.0
// Which tasks start when: groups together, devices one task at a time, nothing for ever.
#include "peal/runtime/graph/dispatcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "peal/base/random.h"

namespace peal {
namespace {

std::vector<std::size_t> all_that_start(Dispatcher& dispatcher) {
  std::vector<std::size_t> result;
  while (const auto task = dispatcher.next()) result.push_back(*task);
  std::sort(result.begin(), result.end());
  return result;
}

using TaskNumbers = std::vector<std::size_t>;

TEST(Dispatcher, ADeviceTakesOneTaskAtATimeTheFirstSubmittedFirst) {
  Dispatcher dispatcher(2);
  const std::vector<int> first = {0}, second = {1};
  EXPECT_EQ(all_that_start(dispatcher), TaskNumbers{});
  dispatcher.add(7, first);
  dispatcher.add(3, first);
  dispatcher.add(5, second);
  EXPECT_EQ(all_that_start(dispatcher), (TaskNumbers{3, 5}));
  dispatcher.add(1, first);
  EXPECT_EQ(all_that_start(dispatcher), TaskNumbers{});
  dispatcher.release(first);
  EXPECT_EQ(all_that_start(dispatcher), TaskNumbers{1});
  dispatcher.release(second);
  EXPECT_EQ(all_that_start(dispatcher), TaskNumbers{});
  dispatcher.release(first);
  EXPECT_EQ(all_that_start(dispatcher), TaskNumbers{7});
}

TEST(Dispatcher, GroupsInOtherOrdersOfTheirDevicesStartOneAfterTheOther) {
  Dispatcher dispatcher(3);
  const std::vector<int> forth = {0, 1, 2}, back = {2, 1, 0}, pair = {1, 2};
  dispatcher.add(2, pair);
  dispatcher.add(1, back);
  dispatcher.add(0, forth);
  for (const auto& [task, devices] : {std::pair{0, &forth}, {1, &back}, {2, &pair}}) {
    EXPECT_EQ(all_that_start(dispatcher), TaskNumbers{static_cast<std::size_t>(task)});
    dispatcher.release(*devices);
  }
  EXPECT_EQ(all_that_start(dispatcher), TaskNumbers{});
}

TEST(Dispatcher, AGroupThatWaitsKeepsItsPlace) {
  Dispatcher dispatcher(2);
  const std::vector<int> left = {0}, right = {1}, both = {0, 1};
  dispatcher.add(0, right);
  EXPECT_EQ(all_that_start(dispatcher), TaskNumbers{0});
  dispatcher.add(1, both);
  dispatcher.add(2, left);
  EXPECT_EQ(all_that_start(dispatcher), TaskNumbers{});  // else tasks on one device could starve it
  dispatcher.release(right);
  EXPECT_EQ(all_that_start(dispatcher), TaskNumbers{1});
}

// Tasks become ready in any order, run for any time: all run, no device ever has two, and whenever
// nothing starts, every ready task has a device that is busy or an earlier one before it.
TEST(Dispatcher, RandomTasksAllStartAndNeverMeet) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    const std::size_t devices = 1 + random.below(8), count = 200;
    Dispatcher dispatcher(devices);
    std::vector<std::vector<int>> uses(count);
    for (std::vector<int>& own : uses) {
      std::vector<int> order(devices);
      for (std::size_t i = 0; i < devices; ++i) {
        const auto at = static_cast<std::size_t>(random.below(i + 1));
        order[i] = order[at];
        order[at] = static_cast<int>(i);
      }
      own.assign(order.begin(), order.begin() + 1 + static_cast<long>(random.below(devices)));
    }
    std::vector<std::size_t> waiting(count), ready, running;
    for (std::size_t i = 0; i < count; ++i) waiting[i] = i;
    std::set<int> busy;
    std::size_t ended = 0;
    while (ended < count) {
      const std::uint64_t draw = random.below(3);
      if (draw != 0 && !waiting.empty()) {
        const auto at = static_cast<std::size_t>(random.below(waiting.size()));
        dispatcher.add(waiting[at], uses[waiting[at]]);
        ready.push_back(waiting[at]);
        waiting.erase(waiting.begin() + static_cast<long>(at));
      } else if (!running.empty()) {
        const auto at = static_cast<std::size_t>(random.below(running.size()));
        for (int device : uses[running[at]]) busy.erase(device);
        dispatcher.release(uses[running[at]]);
        running.erase(running.begin() + static_cast<long>(at));
        ++ended;
      }
      for (const std::size_t task : all_that_start(dispatcher)) {
        for (int device : uses[task]) ASSERT_TRUE(busy.insert(device).second);
        running.push_back(task);
        ready.erase(std::find(ready.begin(), ready.end(), task));
      }
      for (const std::size_t task : ready) {
        const bool is_held = std::any_of(uses[task].begin(), uses[task].end(), [&](int device) {
          const bool has_earlier = std::any_of(ready.begin(), ready.end(), [&](std::size_t other) {
            return other < task && std::count(uses[other].begin(), uses[other].end(), device) != 0;
          });
          return busy.contains(device) || has_earlier;
        });
        ASSERT_TRUE(is_held) << "seed " << seed << " task " << task;
      }
      ASSERT_TRUE(!running.empty() || ready.empty());
    }
  }
}

}  // namespace
}  // namespace peal
