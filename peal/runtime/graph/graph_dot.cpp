// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/graph/graph_dot.h"

#include <fmt/format.h>

#include <iterator>
#include <set>
#include <vector>

namespace peal {
namespace {

std::string quoted(const std::string& text) {
  std::string result;
  for (char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c == '\n' ? ' ' : c;
  }
  return result;
}

// Marks all tasks, and the joins that some task waits for, directly or through other joins. Joins
// that no task waits for are not drawn.
std::vector<bool> needed_nodes(const TaskGraph& graph,
                               const std::vector<TaskGraph::Arrow>& arrows) {
  std::vector<std::vector<std::size_t>> before(graph.node_count());
  for (const TaskGraph::Arrow& arrow : arrows) before[arrow.to].push_back(arrow.from);
  std::vector<bool> needed(graph.node_count());
  std::vector<std::size_t> open;
  for (std::size_t task = 0; task < graph.size(); ++task) {
    needed[task] = true;
    open.push_back(task);
  }
  while (!open.empty()) {
    const std::size_t node = open.back();
    open.pop_back();
    for (std::size_t earlier : before[node]) {
      if (needed[earlier]) continue;
      needed[earlier] = true;
      open.push_back(earlier);
    }
  }
  return needed;
}

}  // namespace

std::string graph_dot(const TaskGraph& graph, const GraphReport& report) {
  const std::set<std::size_t> critical(report.critical_path.begin(), report.critical_path.end());
  std::string text = "digraph run {\n  rankdir=LR;\n  node [shape=box];\n";
  auto out = std::back_inserter(text);
  for (std::size_t task = 0; task < graph.size(); ++task) {
    const TaskRecord& record = report.tasks[task];
    fmt::format_to(out, "  t{} [label=\"{}", task, quoted(task_label(report, task)));
    if (record.state == TaskRecord::State::done && !record.devices.empty()) {
      fmt::format_to(out, "\\n{:.3f} us",
                     static_cast<double>(record.end_ps - record.begin_ps) / 1e6);
    }
    fmt::format_to(out, "\"{}];\n", critical.contains(task) ? ", style=bold" : "");
  }
  const std::vector<TaskGraph::Arrow> arrows = graph.arrows();
  const std::vector<bool> needed = needed_nodes(graph, arrows);
  for (std::size_t node = graph.size(); node < graph.node_count(); ++node) {
    if (needed[node]) fmt::format_to(out, "  t{} [shape=point];\n", node);
  }
  for (const TaskGraph::Arrow& arrow : arrows) {
    if (!needed[arrow.to]) continue;
    fmt::format_to(out, "  t{} -> t{}{};\n", arrow.from, arrow.to,
                   arrow.consumes ? "" : " [style=dashed]");
  }
  return text + "}\n";
}

}  // namespace peal
