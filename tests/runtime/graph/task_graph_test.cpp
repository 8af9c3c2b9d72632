// SPDX-License-Identifier: Apache-2.0
// What becomes ready when, what fails because of what, and the longest chain.
#include "peal/runtime/graph/task_graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "peal/base/random.h"

namespace peal {
namespace {

using Numbers = std::vector<std::size_t>;
using Failed = std::vector<std::pair<std::size_t, std::size_t>>;

std::size_t add(TaskGraph& graph, const std::vector<Touch>& touches, const Numbers& after = {}) {
  return graph.add(touches, after);
}

Touch reads(std::uint64_t begin, std::uint64_t end) { return {{begin, end}, TouchKind::read}; }
Touch writes(std::uint64_t begin, std::uint64_t end) { return {{begin, end}, TouchKind::write}; }
Touch updates(std::uint64_t begin, std::uint64_t end) {
  return {{begin, end}, TouchKind::read_write};
}

TEST(TaskGraph, WhatWaitsForNothingIsFirst) {
  TaskGraph graph;
  EXPECT_EQ(graph.first(), Numbers{});
  EXPECT_EQ(graph.critical_path(), Numbers{});
  EXPECT_EQ(add(graph, {writes(0, 10)}), 0u);
  EXPECT_EQ(add(graph, {reads(9, 11)}), 1u);
  EXPECT_EQ(add(graph, {reads(10, 11)}), 2u);
  EXPECT_EQ(add(graph, {reads(5, 5)}), 3u);  // no byte
  EXPECT_EQ(add(graph, {}, {2, 2}), 4u);
  EXPECT_EQ(graph.first(), (Numbers{0, 2, 3}));
  EXPECT_EQ(graph.end(2, false, 5).ready, Numbers{4});
  EXPECT_EQ(graph.end(0, false, 7).ready, Numbers{1});
  EXPECT_EQ(graph.end(4, false, 3).ready, Numbers{});
  EXPECT_EQ(graph.critical_path_ps(), 8);
  EXPECT_EQ(graph.critical_path(), (Numbers{2, 4}));
  static_cast<void>(graph.end(1, false, 100));
  EXPECT_EQ(graph.critical_path_ps(), 107);
  EXPECT_EQ(graph.critical_path(), (Numbers{0, 1}));
}

TEST(TaskGraph, AFailurePassesToWhatConsumes) {
  TaskGraph graph;
  add(graph, {writes(0, 10)});    // 0 fails
  add(graph, {reads(0, 1)});      // 1 consumes
  add(graph, {writes(5, 10)});    // 2 follows
  add(graph, {reads(0, 10)});     // 3 consumes 0 and 2
  add(graph, {reads(5, 10)});     // 4 consumes 2 alone
  add(graph, {}, {0});            // 5 was told to wait
  add(graph, {updates(20, 21)});  // 6 is apart
  add(graph, {}, {1});            // 7 waits for one that is not run
  EXPECT_EQ(graph.first(), (Numbers{0, 6}));
  const TaskGraph::Consequences first = graph.end(0, true, 1);
  // What takes in what 1 would have read has to wait for it, and it has ended as well.
  EXPECT_EQ(first.ready, Numbers{2});
  EXPECT_EQ(first.failed, (Failed{{1, 0}, {5, 0}, {7, 0}}));
  const TaskGraph::Consequences second = graph.end(2, false, 1);
  EXPECT_EQ(second.ready, Numbers{4});
  EXPECT_EQ(second.failed, (Failed{{3, 0}}));
}

TEST(TaskGraph, TheFirstOfTwoFailuresIsNamed) {
  TaskGraph graph;
  add(graph, {writes(0, 1)});
  add(graph, {writes(1, 2)});
  add(graph, {reads(0, 2)});
  EXPECT_EQ(graph.end(1, true, 1).failed, Failed{});
  EXPECT_EQ(graph.end(0, true, 1).failed, (Failed{{2, 0}}));
}

// A task by what it touches, byte by byte.
struct Model {
  std::set<std::size_t> conflicts, consumes;
};

// Random programs in random orders: every task becomes ready once, after all that it conflicts with
// and not later than when these have ended; what fails is what takes in data of a failed task.
TEST(TaskGraph, RandomProgramsAgreeWithAModelOfBytes) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const std::size_t count = 1 + random.below(60), bytes = 1 + random.below(24);
    TaskGraph graph;
    std::vector<Model> models(count);
    std::vector<std::size_t> last_writer(bytes, count);
    std::vector<std::vector<Touch>> all(count);
    const auto touches_byte = [](const Touch& touch, std::size_t byte) {
      return touch.range.begin <= byte && byte < touch.range.end;
    };
    for (std::size_t task = 0; task < count; ++task) {
      for (std::uint64_t i = random.below(4); i > 0; --i) {
        const std::uint64_t begin = random.below(bytes);
        all[task].push_back({{begin, begin + 1 + random.below(bytes - begin)},
                             static_cast<TouchKind>(random.below(3))});
      }
      Numbers after;
      if (task > 0 && random.below(8) == 0) after.push_back(random.below(task));
      models[task].conflicts.insert(after.begin(), after.end());
      models[task].consumes = models[task].conflicts;
      for (std::size_t byte = 0; byte < bytes; ++byte) {
        bool is_read = false, is_written = false;
        for (const Touch& touch : all[task]) {
          if (!touches_byte(touch, byte)) continue;
          is_read = is_read || touch.kind != TouchKind::write;
          is_written = is_written || touch.kind != TouchKind::read;
        }
        if (is_read && last_writer[byte] != count) models[task].consumes.insert(last_writer[byte]);
        for (std::size_t other = 0; other < task; ++other) {
          for (const Touch& touch : all[other]) {
            if (!touches_byte(touch, byte)) continue;
            const bool other_writes = touch.kind != TouchKind::read;
            if ((is_read && other_writes) || is_written) models[task].conflicts.insert(other);
          }
        }
        if (is_written) last_writer[byte] = task;
      }
      ASSERT_EQ(graph.add(all[task], after), task);
    }
    std::set<std::size_t> ended, known;
    std::vector<std::size_t> ready = graph.first();
    std::vector<bool> failed(count, false);
    known.insert(ready.begin(), ready.end());
    Picoseconds sum = 0;
    while (!ready.empty()) {
      const auto at = static_cast<std::size_t>(random.below(ready.size()));
      const std::size_t task = ready[at];
      ready.erase(ready.begin() + static_cast<long>(at));
      for (std::size_t other : models[task].conflicts) {
        ASSERT_TRUE(ended.contains(other)) << seed;
        ASSERT_FALSE(models[task].consumes.contains(other) && failed[other]) << seed;
      }
      failed[task] = random.below(10) == 0;
      const auto duration = static_cast<Picoseconds>(random.below(100));
      sum += duration;
      const TaskGraph::Consequences then = graph.end(task, failed[task], duration);
      ended.insert(task);
      for (const auto& [consumer, because] : then.failed) {
        failed[consumer] = true;
        ended.insert(consumer);
        ASSERT_TRUE(known.insert(consumer).second);
        ASSERT_TRUE(std::any_of(models[consumer].consumes.begin(), models[consumer].consumes.end(),
                                [&](std::size_t other) { return failed[other]; }))
            << seed;
        ASSERT_TRUE(failed[because]);
      }
      for (std::size_t next : then.ready) ASSERT_TRUE(known.insert(next).second);
      ready.insert(ready.end(), then.ready.begin(), then.ready.end());
      for (std::size_t other = 0; other < count; ++other) {
        if (known.contains(other)) continue;
        const bool waits =
            std::any_of(models[other].conflicts.begin(), models[other].conflicts.end(),
                        [&](std::size_t before) { return !ended.contains(before); });
        ASSERT_TRUE(waits) << "seed " << seed << ": task " << other << " waits for nothing";
      }
    }
    ASSERT_EQ(ended.size(), count) << seed;
    ASSERT_LE(graph.critical_path_ps(), sum);
    const Numbers path = graph.critical_path();
    ASSERT_TRUE(std::is_sorted(path.begin(), path.end()));
  }
}

}  // namespace
}  // namespace peal
