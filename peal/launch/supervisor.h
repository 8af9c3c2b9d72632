// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>
#include <functional>

namespace peal {

// What the body of a supervisor process gets.
struct SupervisorView {
  int launcher = -1;          // a pipe that becomes readable (at its end) when the launcher dies
  sigset_t signals_before{};  // the launcher's signal mask, which programs have to get back
};

// Runs `body` in a supervisor: a process between this one (the launcher) and the processes that
// `body` starts. Returns what `body` returns, or throws the Error that it throws; throws RunError
// if the supervisor is killed. Guarantee: when `body` ends, or the launcher or the supervisor dies
// in any way, every descendant that `body` has started is killed, also children of shells and
// orphans. `body` has to poll `launcher` and to return when it becomes readable. All processes stay
// in the launcher's process group, so the terminal still belongs to them; SIGHUP, SIGINT, SIGQUIT
// and SIGTERM to the group reach the launcher and the programs, but do not end the supervisor.
[[nodiscard]] int run_in_supervisor(const std::function<int(const SupervisorView&)>& body);

}  // namespace peal
