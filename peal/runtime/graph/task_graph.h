// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "peal/base/api.h"
#include "peal/base/units.h"
#include "peal/runtime/graph/dependencies.h"

namespace PEAL_API peal {

// The dependency graph of a run: tasks in the order of submission, and joins. While the run is
// carried out, the graph decides which tasks are ready and which cannot run because another task
// has failed.
class TaskGraph {
 public:
  TaskGraph();
  TaskGraph(const TaskGraph&) = delete;
  TaskGraph& operator=(const TaskGraph&) = delete;

  // Adds the next task, with all its touches and the numbers of the tasks that it waits for
  // explicitly. Returns its number: 0, 1, ...
  std::size_t add(std::span<const Touch> touches, std::span<const std::size_t> after);
  [[nodiscard]] std::size_t size() const { return nodes_of_tasks_.size(); }

  // The tasks that wait for nothing; to be called once, after the last add().
  [[nodiscard]] std::vector<std::size_t> first() const;

  struct Consequences {
    std::vector<std::size_t> ready;
    // Tasks that cannot run, each with the lowest-numbered failed task that it depends on.
    std::vector<std::pair<std::size_t, std::size_t>> failed;
  };
  // The task has ended, after `duration`. Returns the tasks that become ready or cannot run because
  // of that, each in the order of submission.
  [[nodiscard]] Consequences end(std::size_t task, bool has_failed, Picoseconds duration);

  // The critical path of the tasks that have ended: the chain of dependent tasks with the largest
  // sum of durations, and that sum.
  [[nodiscard]] Picoseconds critical_path_ps() const { return longest_ps_; }
  [[nodiscard]] std::vector<std::size_t> critical_path() const;

  // An edge: `to` waits for `from`. Tasks have their numbers, joins the numbers from size() on.
  struct Arrow {
    std::size_t from = 0, to = 0;
    bool consumes = false;  // a true dependence: a failure of `from` is one of `to`
  };
  [[nodiscard]] std::vector<Arrow> arrows() const;
  [[nodiscard]] std::size_t node_count() const { return nodes_.size() - 1; }

 private:
  static constexpr std::uint32_t nothing = UINT32_MAX;

  struct Node {
    std::uint32_t task = nothing;        // number of the task; `nothing` for a join
    std::uint32_t first_edge = nothing;  // list of the edges to nodes that wait for this one
    std::uint32_t waits_for = 0;         // number of nodes that it still waits for
    std::uint32_t failed_by = nothing;   // the failed task because of which it cannot run
    NodeId longest_from = 0;             // its predecessor on the longest chain
    Picoseconds longest_ps = 0;          // length of that chain up to its start, later to its end
  };
  struct Edge {
    NodeId to = 0;
    std::uint32_t next = nothing;
    bool consumes = false;
  };

  NodeId join(NodeId a, NodeId b);
  void connect(NodeId from, NodeId to, bool consumes);
  void pass_on(NodeId from, std::vector<NodeId>& complete, Consequences& consequences);

  std::vector<Node> nodes_;  // entry 0 is unused: NodeId 0 is no node
  std::vector<Edge> edges_;
  std::vector<NodeId> nodes_of_tasks_;
  Dependencies dependencies_;
  Picoseconds longest_ps_ = 0;
  NodeId longest_to_ = 0;
};

}  // namespace peal
