// SPDX-License-Identifier: Apache-2.0
#include "cli/launch_command.h"

#include <fmt/format.h>

#include <cstdio>

#include "cli/number_option.h"
#include "peal/executors/shm/arena.h"
#include "peal/launch/process_team.h"

namespace peal {

int launch_command(const LaunchRequest& request) {
  const auto ranks = static_cast<int>(
      parse_number("--ranks", *request.ranks, {.lowest = 1, .highest = ShmArena::most_ranks}));
  return launch_processes(ranks, request.command,
                          [](const std::string& why) { fmt::print(stderr, "peal: {}\n", why); });
}

}  // namespace peal
