// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "peal/base/api.h"
#include "peal/machine/team.h"

namespace PEAL_API peal {

// The parts of a team: shared memory, watch, device. Base-from-member: the parts must be
// constructed before the Team base, which refers to them.
struct ProcessTeamParts;
class ProcessTeamBase {
 protected:
  explicit ProcessTeamBase(std::unique_ptr<ProcessTeamParts> parts);
  ~ProcessTeamBase();
  ProcessTeamBase(ProcessTeamBase&&) noexcept;
  ProcessTeamBase& operator=(ProcessTeamBase&&) noexcept;
  std::unique_ptr<ProcessTeamParts> parts_;
};

// One process's handle to the team that `peal launch` has started. Its destructor marks the rank as
// finished. During stack unwinding, or after a failure of the team, it marks the rank as failed,
// which makes every wait of its peers fail. The launcher reports an uncaught exception, once for
// all ranks that end because of it. It can be moved: the handle that was moved from marks nothing.
class ProcessTeam final : private ProcessTeamBase, public Team {
 public:
  explicit ProcessTeam(std::unique_ptr<ProcessTeamParts> parts);
  ~ProcessTeam() override;
  ProcessTeam(ProcessTeam&& other) noexcept = default;
  ProcessTeam& operator=(ProcessTeam&& other) noexcept;

 private:
  void end();

  int exceptions_;  // std::uncaught_exceptions() at construction
  int process_;     // the owner's pid: a forked child's copy must not end the team
};

// The team that this process was started in, from its environment. Throws Error if `peal launch`
// has not started this process, or if the rank's team was taken before: it can be taken once.
[[nodiscard]] ProcessTeam team_from_environment();

// Starts `command` as the `ranks` processes of a team and waits for them. When a rank fails or
// dies, the waits of the others fail; ranks that are still alive 5 s later are killed. Returns the
// exit code of the rank that failed first (never 0; 128 + N for signal N) and calls `report` with
// the reason. Without a failure: the first nonzero exit code, or 0. Throws Error for an invalid
// number of ranks and for a program that cannot be run.
[[nodiscard]] int launch_processes(int ranks, const std::vector<std::string>& command,
                                   const std::function<void(const std::string&)>& report);

}  // namespace peal
