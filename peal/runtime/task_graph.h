// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "peal/base/units.h"
#include "peal/runtime/dependencies.h"

namespace peal {

// What waits for what: tasks in the order of submission, and joins between them. While the graph is
// carried out it says which tasks are ready, and which ones fail because of another.
class TaskGraph {
 public:
  TaskGraph();
  TaskGraph(const TaskGraph&) = delete;
  TaskGraph& operator=(const TaskGraph&) = delete;

  // Adds the next task, by all that it touches and by the numbers of tasks that it is told to wait
  // for; returns its number, from 0.
  std::size_t add(std::span<const Touch> touches, std::span<const std::size_t> after);
  [[nodiscard]] std::size_t size() const { return nodes_of_tasks_.size(); }

  // The tasks that wait for nothing; to be called once, when all are there.
  [[nodiscard]] std::vector<std::size_t> first() const;

  struct Consequences {
    std::vector<std::size_t> ready;
    // Tasks that cannot be carried out, because of the task that has failed first.
    std::vector<std::pair<std::size_t, std::size_t>> failed;
  };
  // The task has ended, after `duration`. Consequences come in the order of submission.
  [[nodiscard]] Consequences end(std::size_t task, bool has_failed, Picoseconds duration);

  // Of the tasks that have ended: the longest sum of durations along a chain of tasks that wait for
  // each other, and the chain.
  [[nodiscard]] Picoseconds critical_path_ps() const { return longest_ps_; }
  [[nodiscard]] std::vector<std::size_t> critical_path() const;

  // What the task waits for by itself: tasks, or joins, which have numbers from size() on.
  struct Arrow {
    std::size_t from = 0, to = 0;
    bool consumes = false;  // and takes in what the other makes
  };
  [[nodiscard]] std::vector<Arrow> arrows() const;
  [[nodiscard]] std::size_t node_count() const { return nodes_.size() - 1; }

 private:
  static constexpr std::uint32_t nothing = UINT32_MAX;

  struct Node {
    std::uint32_t task = nothing;        // its number; a join has none
    std::uint32_t first_edge = nothing;  // to what waits for it
    std::uint32_t waits_for = 0;         // so many more
    std::uint32_t failed_by = nothing;   // the task because of which it fails
    NodeId longest_from = 0;             // the last node of the longest chain before it
    Picoseconds longest_ps = 0;          // up to its start; once it has ended, to its end
  };
  struct Edge {
    NodeId to = 0;
    std::uint32_t next = nothing;
    bool consumes = false;
  };

  NodeId join(NodeId a, NodeId b);
  void connect(NodeId from, NodeId to, bool consumes);
  void pass_on(NodeId from, std::vector<NodeId>& complete, Consequences& consequences);

  std::vector<Node> nodes_;  // the first is none
  std::vector<Edge> edges_;
  std::vector<NodeId> nodes_of_tasks_;
  Dependencies dependencies_;
  Picoseconds longest_ps_ = 0;
  NodeId longest_to_ = 0;
};

}  // namespace peal
