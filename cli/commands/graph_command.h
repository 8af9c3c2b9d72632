// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace peal {

// What was asked of `peal graph`, as it was typed.
struct GraphCommandRequest {
  std::string file;
  std::optional<std::string> platform, dot, json, time_limit;
  std::string schedule = "virtual";
  bool checks = false;
  bool in_process = false;  // kernels run in this process, not in one of their own
};

// Runs a described graph of tasks and prints its report; returns the exit code.
int graph_command(const GraphCommandRequest& request);

}  // namespace peal
