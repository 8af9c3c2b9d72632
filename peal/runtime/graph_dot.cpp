// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/graph_dot.h"

#include <fmt/format.h>

#include <iterator>
#include <set>

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
  for (std::size_t node = graph.size(); node < graph.node_count(); ++node) {
    fmt::format_to(out, "  t{} [shape=point];\n", node);
  }
  for (const TaskGraph::Arrow& arrow : graph.arrows()) {
    fmt::format_to(out, "  t{} -> t{}{};\n", arrow.from, arrow.to,
                   arrow.consumes ? "" : " [style=dashed]");
  }
  return text + "}\n";
}

}  // namespace peal
