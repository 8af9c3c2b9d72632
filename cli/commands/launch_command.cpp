// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/launch_command.h"

#include "cli/options/number_option.h"
#include "cli/output/say.h"
#include "peal/executors/shm/memory/arena.h"
#include "peal/launch/process_team.h"

namespace peal {

int launch_command(const LaunchRequest& request) {
  const auto ranks = static_cast<int>(
      parse_number("--ranks", *request.ranks, {.lowest = 1, .highest = ShmArena::max_ranks}));
  return launch_processes(ranks, request.command,
                          [](const std::string& why) { say("peal: {}\n", why); });
}

}  // namespace peal
