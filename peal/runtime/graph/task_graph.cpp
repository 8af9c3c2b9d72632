// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/graph/task_graph.h"

#include <algorithm>

#include "peal/base/error.h"

namespace peal {

TaskGraph::TaskGraph()
    : nodes_(1), dependencies_([this](NodeId a, NodeId b) { return join(a, b); }) {}

NodeId TaskGraph::join(NodeId a, NodeId b) {
  const auto made = static_cast<NodeId>(nodes_.size());
  nodes_.emplace_back();
  // A join passes a failure on. Nodes that only follow the join ignore the failure at their edge.
  connect(a, made, true);
  connect(b, made, true);
  return made;
}

void TaskGraph::connect(NodeId from, NodeId to, bool consumes) {
  Node& before = nodes_[from];
  edges_.push_back({.to = to, .next = before.first_edge, .consumes = consumes});
  before.first_edge = static_cast<std::uint32_t>(edges_.size() - 1);
  ++nodes_[to].waits_for;
}

std::size_t TaskGraph::add(std::span<const Touch> touches, std::span<const std::size_t> after) {
  PEAL_CHECK(nodes_.size() < nothing);
  const std::size_t number = size();
  const auto node = static_cast<NodeId>(nodes_.size());
  nodes_.emplace_back().task = static_cast<std::uint32_t>(number);
  nodes_of_tasks_.push_back(node);
  const TaskNeeds needs = dependencies_.add(node, touches);
  for (NodeId from : needs.consumes) connect(from, node, true);
  for (NodeId from : needs.follows) connect(from, node, false);
  for (std::size_t earlier : after) {
    PEAL_CHECK(earlier < number);
    connect(nodes_of_tasks_[earlier], node, true);
  }
  return number;
}

std::vector<std::size_t> TaskGraph::first() const {
  std::vector<std::size_t> result;
  for (std::size_t task = 0; task < size(); ++task) {
    if (nodes_[nodes_of_tasks_[task]].waits_for == 0) result.push_back(task);
  }
  return result;
}

TaskGraph::Consequences TaskGraph::end(std::size_t task, bool has_failed, Picoseconds duration) {
  Consequences consequences;
  const NodeId ended = nodes_of_tasks_[task];
  Node& node = nodes_[ended];
  PEAL_CHECK(node.waits_for == 0);
  if (has_failed) node.failed_by = static_cast<std::uint32_t>(task);
  node.longest_ps += duration;
  if (node.longest_ps >= longest_ps_) {  // of equal chains, the one that ended last
    longest_ps_ = node.longest_ps;
    longest_to_ = ended;
  }
  std::vector<NodeId> complete = {ended};
  while (!complete.empty()) {
    const NodeId next = complete.back();
    complete.pop_back();
    pass_on(next, complete, consequences);
  }
  std::sort(consequences.ready.begin(), consequences.ready.end());
  std::sort(consequences.failed.begin(), consequences.failed.end());
  return consequences;
}

void TaskGraph::pass_on(NodeId from, std::vector<NodeId>& complete, Consequences& consequences) {
  const Node before = nodes_[from];
  for (std::uint32_t edge = before.first_edge; edge != nothing; edge = edges_[edge].next) {
    Node& after = nodes_[edges_[edge].to];
    if (edges_[edge].consumes) after.failed_by = std::min(after.failed_by, before.failed_by);
    if (before.longest_ps >= after.longest_ps) {
      after.longest_ps = before.longest_ps;
      after.longest_from = from;
    }
    if (--after.waits_for != 0) continue;
    const bool is_join = after.task == nothing;
    if (!is_join && after.failed_by == nothing) {
      consequences.ready.push_back(after.task);
      continue;
    }
    if (!is_join) consequences.failed.emplace_back(after.task, after.failed_by);
    complete.push_back(edges_[edge].to);
  }
}

std::vector<std::size_t> TaskGraph::critical_path() const {
  std::vector<std::size_t> path;
  for (NodeId node = longest_to_; node != 0; node = nodes_[node].longest_from) {
    if (nodes_[node].task != nothing) path.push_back(nodes_[node].task);
  }
  std::reverse(path.begin(), path.end());
  return path;
}

std::vector<TaskGraph::Arrow> TaskGraph::arrows() const {
  std::vector<std::size_t> numbers(nodes_.size());
  std::size_t next_join = size();
  for (std::size_t node = 1; node < nodes_.size(); ++node) {
    numbers[node] = nodes_[node].task == nothing ? next_join++ : nodes_[node].task;
  }
  std::vector<Arrow> result;
  result.reserve(edges_.size());
  for (std::size_t node = 1; node < nodes_.size(); ++node) {
    for (std::uint32_t edge = nodes_[node].first_edge; edge != nothing; edge = edges_[edge].next) {
      result.push_back({numbers[node], numbers[edges_[edge].to], edges_[edge].consumes});
    }
  }
  return result;
}

}  // namespace peal
