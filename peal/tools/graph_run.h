// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "peal/runtime/graph_report.h"
#include "peal/tools/graph_file.h"

namespace peal {

// How a described graph is run; what is not given is the file's own.
struct GraphRunRequest {
  std::optional<std::string> platform = {};
  bool checks = false;
  std::string schedule = "virtual";
  double time_limit_seconds = 5;
};

// An instance of a buffer for which the file says what to expect.
struct GraphDifference {
  std::string label;  // "`y` on device 1"
  double max = 0;
};

struct GraphRunResult {
  GraphReport report;
  std::string dot;
  std::optional<std::string> failure;  // of tasks
  std::vector<GraphDifference> differences;
  std::optional<std::string> mismatch;  // the first element that is wrong
};

// Runs the graph once and compares its buffers. Throws Error for what cannot be.
[[nodiscard]] GraphRunResult run_graph(const GraphFile& file, const GraphRunRequest& request);

}  // namespace peal
