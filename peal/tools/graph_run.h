// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "peal/runtime/graph/graph_report.h"
#include "peal/tools/graph_file.h"

namespace peal {

// How a graph is run. An absent platform means the file's.
struct GraphRunRequest {
  std::optional<std::string> platform = {};
  bool checks = false;
  std::string schedule = "virtual";
  double time_limit_seconds = 5;
};

// The comparison of one buffer instance with the values that the file expects.
struct GraphDifference {
  std::string label;  // "`y` on device 1"
  double max = 0;     // the largest absolute difference
};

struct GraphRunResult {
  GraphReport report;
  std::string dot;
  std::optional<std::string> failure;  // the text of failed tasks, if any
  std::vector<GraphDifference> differences;
  std::optional<std::string> mismatch;  // the first wrong element, if any
};

// Runs the graph once and compares its buffers with the expected values. Throws Error for a graph
// that cannot be run.
[[nodiscard]] GraphRunResult run_graph(const GraphFile& file, const GraphRunRequest& request);

}  // namespace peal
