// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace peal {

// The command line of `peal graph`, as typed.
struct GraphCommandRequest {
  std::string file;
  std::optional<std::string> platform, dot, json, time_limit;
  std::string schedule = "virtual";
  bool checks = false;
  bool in_process = false;  // run kernels in this process, not in a separate one
};

// Runs the graph of tasks that a file describes and prints its report; returns the exit code.
int graph_command(const GraphCommandRequest& request);

}  // namespace peal
