// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "peal/machine/team.h"

namespace peal {

// What a team is made of, before it is one.
struct ProcessTeamParts;
class ProcessTeamBase {
 protected:
  explicit ProcessTeamBase(std::unique_ptr<ProcessTeamParts> parts);
  ~ProcessTeamBase();
  std::unique_ptr<ProcessTeamParts> parts_;
};

// The team of the processes that `peal launch` has started together, as one of them has it. When it
// ends, this rank has finished; when it ends by an exception, the rank has failed, and so does
// every wait of its peers. An exception that the program does not catch is told
// by the launcher, once for all ranks that end by it.
class ProcessTeam final : private ProcessTeamBase, public Team {
 public:
  explicit ProcessTeam(std::unique_ptr<ProcessTeamParts> parts);
  ~ProcessTeam();

 private:
  int exceptions_;  // that were on their way when it began
  int process_;     // whose team it is
};

// The team that this process was started in. Throws Error in a process that `peal launch` has not
// started, or whose team has been taken before: a rank has one, once.
[[nodiscard]] ProcessTeam team_from_environment();

// Starts the program as `ranks` processes that are a team, and waits for them. When one of them
// dies, the others' waits end; those that have not ended a few seconds later are killed. Returns
// the exit code of the one that failed first, 128 + N after signal N, never 0 then, and `report` is
// told why; or that of the first that did not end well, or 0. Throws Error for a number of ranks
// that there cannot be, and for a program that cannot be run.
[[nodiscard]] int launch_processes(int ranks, const std::vector<std::string>& command,
                                   const std::function<void(const std::string&)>& report);

}  // namespace peal
