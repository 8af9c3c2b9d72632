// SPDX-License-Identifier: Apache-2.0
// Dependencies against a model that compares every task with all before it, byte by byte.
#include "peal/runtime/graph/dependencies.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "peal/base/random.h"

namespace peal {
namespace {

using Nodes = std::vector<NodeId>;
using Tasks = std::set<NodeId>;
using Program = std::vector<std::vector<Touch>>;  // the touches of each task

// The graph that a program leads to. Tasks and joins are numbered from 1 as they come.
class Graph {
 public:
  NodeId add(const std::vector<Touch>& touches) {
    const NodeId task = add_node({});
    TaskNeeds needs = dependencies_.add(task, touches);
    edge_count_ += needs.consumes.size() + needs.follows.size();
    nodes_[task].needs = std::move(needs);
    return task;
  }
  [[nodiscard]] const TaskNeeds& needs(NodeId task) const { return nodes_[task].needs; }
  [[nodiscard]] std::size_t edge_count() const { return edge_count_; }
  [[nodiscard]] std::size_t join_count() const { return join_count_; }

  // The tasks that the nodes are made of.
  [[nodiscard]] Tasks tasks_of(const Nodes& nodes) const {
    Tasks tasks;
    Nodes next = nodes;
    std::set<NodeId> seen;
    while (!next.empty()) {
      const NodeId id = next.back();
      next.pop_back();
      if (!seen.insert(id).second) continue;
      const auto [a, b] = nodes_[id].operands;
      if (a == 0) {
        tasks.insert(id);
      } else {
        next.insert(next.end(), {a, b});
      }
    }
    return tasks;
  }
  [[nodiscard]] Tasks needed_tasks(NodeId task) const {
    Nodes all = needs(task).consumes;
    all.insert(all.end(), needs(task).follows.begin(), needs(task).follows.end());
    return tasks_of(all);
  }

 private:
  struct GraphNode {
    std::pair<NodeId, NodeId> operands;  // of a join
    TaskNeeds needs;                     // of a task
  };
  NodeId add_node(const GraphNode& node) {
    nodes_.push_back(node);
    return static_cast<NodeId>(nodes_.size() - 1);
  }

  std::vector<GraphNode> nodes_{GraphNode{}};
  std::size_t edge_count_ = 0, join_count_ = 0;
  Dependencies dependencies_{[this](NodeId a, NodeId b) {
    ++join_count_;
    return add_node({.operands = {a, b}, .needs = {}});
  }};
};

// Addresses at which ranges begin and end: low ones, some on both sides of 2^47, the highest.
constexpr auto bounds = std::to_array<std::uint64_t>({0,
                                                      1,
                                                      2,
                                                      3,
                                                      4,
                                                      5,
                                                      6,
                                                      7,
                                                      8,
                                                      9,
                                                      100,
                                                      0x7ffffffffffe,
                                                      0x7fffffffffff,
                                                      0x800000000000,
                                                      0x800000000001,
                                                      0x800000000002,
                                                      0x800000001000,
                                                      0x7fffffffffffffff,
                                                      0x8000000000000000,
                                                      0x8000000000000001,
                                                      0xfffffffffffffffc,
                                                      0xfffffffffffffffd,
                                                      0xfffffffffffffffe,
                                                      0xffffffffffffffff});

// What is between two bounds is touched as a whole.
class Model {
 public:
  struct Expected {
    Tasks consumes;   // the last writers of what is taken in
    Tasks conflicts;  // all earlier tasks that touch the same, where one of the two writes
  };
  Expected add(NodeId task, const std::vector<Touch>& touches) {
    Expected expected;
    for (std::size_t i = 0; i + 1 < bounds.size(); ++i) {
      bool reads = false, writes = false;
      for (const Touch& touch : touches) {
        if (bounds[i] < touch.range.begin || bounds[i] >= touch.range.end) continue;
        reads = reads || touch.kind != TouchKind::write;
        writes = writes || touch.kind != TouchKind::read;
      }
      Cell& cell = cells_[i];
      if (reads && cell.last_writer != 0) expected.consumes.insert(cell.last_writer);
      if (reads || writes) expected.conflicts.insert(cell.writers.begin(), cell.writers.end());
      if (writes) expected.conflicts.insert(cell.readers.begin(), cell.readers.end());
      if (reads) cell.readers.insert(task);
      if (writes) cell.writers.insert(cell.last_writer = task);
    }
    return expected;
  }

 private:
  struct Cell {
    NodeId last_writer = 0;
    Tasks writers, readers;
  };
  std::array<Cell, bounds.size()> cells_;
};

// Adds all that the needed tasks are ordered after.
Tasks closure(Tasks needed, const std::vector<Tasks>& before) {
  Tasks all = needed;
  for (const NodeId task : needed) all.insert(before[task].begin(), before[task].end());
  return all;
}

bool is_ascending(const Nodes& nodes) {
  return std::adjacent_find(nodes.begin(), nodes.end(), std::greater_equal<>()) == nodes.end();
}

bool are_apart(const Nodes& a, const Nodes& b) {
  return std::find_first_of(a.begin(), a.end(), b.begin(), b.end()) == a.end();
}

// The first task of which the graph does not say what the model says, or 0.
NodeId first_difference(const Program& program) {
  Graph graph;
  Model model;
  std::vector<Tasks> expected_before, before;
  for (const std::vector<Touch>& touches : program) {
    const NodeId task = graph.add(touches);
    const Model::Expected expected = model.add(task, touches);
    expected_before.resize(task + 1);
    before.resize(task + 1);
    expected_before[task] = closure(expected.conflicts, expected_before);
    before[task] = closure(graph.needed_tasks(task), before);
    const TaskNeeds& needs = graph.needs(task);
    const bool is_same = before[task] == expected_before[task] &&
                         graph.tasks_of(needs.consumes) == expected.consumes &&
                         is_ascending(needs.consumes) && is_ascending(needs.follows) &&
                         are_apart(needs.consumes, needs.follows);
    if (!is_same) return task;
  }
  return 0;
}

Touch touch_of(std::uint32_t bits) {
  constexpr auto count = static_cast<std::uint32_t>(bounds.size());
  const std::uint32_t begin = bits / 3 % count, end = bits / 3 / count % count;
  return {.range = {bounds[std::min(begin, end)], bounds[std::max(begin, end)]},
          .kind = static_cast<TouchKind>(bits % 3)};
}

RC_GTEST_PROP(Dependencies, OrderWhatComparingWithEveryTaskOrders,
              (const std::vector<std::vector<std::uint32_t>>& choices)) {
  Program program;
  for (const std::vector<std::uint32_t>& touches : choices) {
    program.emplace_back();
    for (std::size_t i = 0; i < touches.size() && i < 4; ++i) {
      program.back().push_back(touch_of(touches[i]));
    }
  }
  RC_ASSERT(first_difference(program) == 0u);
}

// Few writes to many reads, many to few, and as many of each; long ranges and short ones.
TEST(Dependencies, OrderLongProgramsExactly) {
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const std::uint64_t longest = seed % 2 == 0 ? 3 : bounds.size();
    const std::uint64_t reads = seed / 2 % 3 == 0 ? 1 : seed / 2 % 3 == 1 ? 5 : 20;
    Program program(150);
    for (std::vector<Touch>& touches : program) {
      for (std::uint64_t count = 1 + random.below(2); count > 0; --count) {
        const std::uint64_t begin = random.below(bounds.size());
        const std::uint64_t end =
            std::min<std::uint64_t>(begin + random.below(longest), bounds.size() - 1);
        const std::uint64_t kind = random.below(reads + 2);
        touches.push_back({.range = {bounds[begin], bounds[end]},
                           .kind = kind < 2 ? static_cast<TouchKind>(1 + kind) : TouchKind::read});
      }
    }
    ASSERT_EQ(first_difference(program), 0u) << "seed " << seed;
  }
}

TEST(Dependencies, AReaderConsumesAndAWriterFollows) {
  Graph graph;
  const NodeId writer = graph.add({{{0, 8}, TouchKind::write}});
  const NodeId reader = graph.add({{{4, 6}, TouchKind::read}});
  const NodeId other = graph.add({{{0, 8}, TouchKind::write}});
  const NodeId update = graph.add({{{0, 8}, TouchKind::read_write}});
  const NodeId apart = graph.add({{{8, 16}, TouchKind::read_write}});
  EXPECT_TRUE(graph.needed_tasks(writer).empty());
  EXPECT_EQ(graph.needs(reader).consumes, Nodes{writer});
  EXPECT_EQ(graph.needs(reader).follows, Nodes{});
  EXPECT_EQ(graph.needs(other).consumes, Nodes{});
  EXPECT_EQ(graph.needs(other).follows, (Nodes{writer, reader}));
  EXPECT_EQ(graph.needs(update).consumes, Nodes{other});
  EXPECT_EQ(graph.needs(update).follows, Nodes{});
  EXPECT_TRUE(graph.needed_tasks(apart).empty());
}

TEST(Dependencies, AWriteHidesTheReadersBeforeIt) {
  Graph graph;
  const NodeId first = graph.add({{{0, 8}, TouchKind::read}});
  const NodeId second = graph.add({{{0, 8}, TouchKind::write}});
  const NodeId third = graph.add({{{0, 8}, TouchKind::write}});
  EXPECT_EQ(graph.needs(second).follows, Nodes{first});
  EXPECT_EQ(graph.needs(third).follows, Nodes{second});
}

TEST(Dependencies, ATaskDoesNotNeedItself) {
  Graph graph;
  const NodeId first = graph.add(
      {{{0, 8}, TouchKind::read}, {{2, 4}, TouchKind::write}, {{3, 9}, TouchKind::read_write}});
  const NodeId second = graph.add({{{2, 3}, TouchKind::read}, {{8, 8}, TouchKind::write}});
  EXPECT_TRUE(graph.needed_tasks(first).empty());
  EXPECT_EQ(graph.needs(second).consumes, Nodes{first});
}

TEST(Dependencies, EmptyRangesTouchNothing) {
  Graph graph;
  graph.add({{{0, 8}, TouchKind::write}});
  const NodeId task = graph.add({{{4, 4}, TouchKind::read_write}, {{6, 2}, TouchKind::read}});
  EXPECT_TRUE(graph.needed_tasks(task).empty());
  EXPECT_TRUE(graph.needed_tasks(graph.add({})).empty());
}

// A join of what is complete may be none.
TEST(Dependencies, JoinsMayBeNone) {
  Dependencies dependencies([](NodeId, NodeId) -> NodeId { return 0; });
  const auto add = [&](NodeId task, ByteRange range, TouchKind kind) {
    const Touch touch = {.range = range, .kind = kind};
    return dependencies.add(task, {&touch, 1});
  };
  const auto all_of = [](const TaskNeeds& needs) {
    return needs.consumes.size() + needs.follows.size();
  };
  EXPECT_EQ(all_of(add(1, {0, 4}, TouchKind::write)), 0u);
  EXPECT_EQ(all_of(add(2, {4, 8}, TouchKind::write)), 0u);
  EXPECT_EQ(add(3, {0, 8}, TouchKind::read).consumes, (Nodes{1, 2}));
  EXPECT_EQ(all_of(add(4, {0, 8}, TouchKind::read)), 0u);
  EXPECT_EQ(all_of(add(5, {0, 8}, TouchKind::write)), 0u);
  EXPECT_EQ(add(6, {0, 8}, TouchKind::read).consumes, Nodes{5});
}

constexpr std::uint64_t buffer = 0x7f3a12345010, piece_bytes = 96;

Touch piece(std::uint64_t index, TouchKind kind) {
  return {.range = {buffer + index * piece_bytes, buffer + (index + 1) * piece_bytes},
          .kind = kind};
}
Touch whole(std::uint64_t pieces, TouchKind kind) {
  return {.range = {buffer, buffer + pieces * piece_bytes}, .kind = kind};
}

// The touch that task `i` of `n` has; there are n / 2 pieces.
struct Pattern {
  const char* name;
  Touch (*touch)(std::uint64_t i, std::uint64_t n, Random& random);
  std::size_t max_per_task;  // joins and needs, on average
};

constexpr auto read = TouchKind::read, write = TouchKind::write;

const Pattern patterns[] = {
    {"all write the whole",
     [](std::uint64_t, std::uint64_t n, Random&) { return whole(n / 2, write); }, 1},
    {"all update the whole",
     [](std::uint64_t, std::uint64_t n, Random&) { return whole(n / 2, TouchKind::read_write); },
     1},
    {"all read the whole",
     [](std::uint64_t, std::uint64_t n, Random&) { return whole(n / 2, read); }, 1},
    {"a cache that is written in sequence and read as a whole",
     [](std::uint64_t i, std::uint64_t n, Random&) {
       return i % 2 == 0 ? piece(i / 2, write) : whole(n / 2, read);
     },
     7},
    {"a cache that grows",
     [](std::uint64_t i, std::uint64_t, Random&) {
       return i % 2 == 0 ? piece(i / 2, write) : whole(i / 2 + 1, read);
     },
     8},
    {"pieces are written anywhere and the whole is read",
     [](std::uint64_t i, std::uint64_t n, Random& random) {
       return i % 2 == 0 ? piece(random.below(n / 2), write) : whole(n / 2, read);
     },
     20},
    {"writers of pieces, then readers of the whole",
     [](std::uint64_t i, std::uint64_t n, Random&) {
       return i < n / 2 ? piece(i, write) : whole(n / 2, read);
     },
     6},
    {"readers of the whole, then writers of pieces",
     [](std::uint64_t i, std::uint64_t n, Random&) {
       return i < n / 2 ? whole(n / 2, read) : piece(i - n / 2, write);
     },
     2},
    {"readers of pieces and writers of the whole",
     [](std::uint64_t i, std::uint64_t n, Random&) {
       return i % 64 != 0 ? piece(i % (n / 2), read) : whole(n / 2, write);
     },
     2},
    {"random ranges",
     [](std::uint64_t, std::uint64_t n, Random& random) {
       const std::uint64_t begin = random.below(n * piece_bytes);
       const std::uint64_t end = begin + random.below(n * piece_bytes - begin);
       return Touch{.range = {buffer + begin, buffer + end},
                    .kind = static_cast<TouchKind>(random.below(3))};
     },
     8},
    {"random short ranges",
     [](std::uint64_t, std::uint64_t n, Random& random) {
       const std::uint64_t begin = random.below(n * piece_bytes);
       return Touch{.range = {buffer + begin, buffer + begin + random.below(8 * piece_bytes)},
                    .kind = static_cast<TouchKind>(random.below(3))};
     },
     4},
    {"random ranges are read",
     [](std::uint64_t, std::uint64_t n, Random& random) {
       const std::uint64_t begin = random.below(n * piece_bytes);
       const std::uint64_t end = begin + random.below(n * piece_bytes - begin);
       return Touch{.range = {buffer + begin, buffer + end}, .kind = read};
     },
     16},
};

std::size_t size_of_graph(const Pattern& pattern, std::uint64_t n) {
  Graph graph;
  Random random(7);
  for (std::uint64_t i = 0; i < n; ++i) graph.add({pattern.touch(i, n, random)});
  return graph.edge_count() + graph.join_count();
}

TEST(Dependencies, GraphsGrowLinearly) {
  for (const Pattern& pattern : patterns) {
    const std::size_t small = size_of_graph(pattern, 2000), large = size_of_graph(pattern, 4000);
    EXPECT_LE(2 * large, 5 * small + 100) << pattern.name;
    EXPECT_LE(large, 4000 * pattern.max_per_task) << pattern.name;
  }
}

}  // namespace
}  // namespace peal
