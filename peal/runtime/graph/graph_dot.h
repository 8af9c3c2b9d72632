// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "peal/runtime/graph/graph_report.h"
#include "peal/runtime/graph/task_graph.h"

namespace peal {

// The graph in the language of Graphviz: a box for each task, with its duration if it has run on
// devices, a point for each join, solid edges for true dependences, dashed ones for mere order, and
// the critical path in bold.
[[nodiscard]] std::string graph_dot(const TaskGraph& graph, const GraphReport& report);

}  // namespace peal
