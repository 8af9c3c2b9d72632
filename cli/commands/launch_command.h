// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace peal {

// The command line of `peal launch`, as typed.
struct LaunchRequest {
  std::optional<std::string> ranks;
  std::vector<std::string> command;
};

// Starts a program as the ranks of a team; returns its exit code.
int launch_command(const LaunchRequest& request);

}  // namespace peal
