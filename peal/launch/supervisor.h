// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>
#include <functional>

namespace peal {

// What a supervisor's process knows.
struct SupervisorView {
  int launcher = -1;          // there is something to read here once the launcher has ended
  sigset_t signals_before{};  // what the launcher blocks, which programs are to block, too
};

// Runs `body` in a process between this one, the launcher, and the processes that it starts, and
// returns what it returns, or throws the Error that it throws. A launcher that ends, however that
// is, takes its end of a pipe with it: `body` is to look for that, and to end. Then, and at any
// other end of it, everything that it has started is killed, also what runs behind a shell, which
// does not tell its own children. All stay in the launcher's process group, so that a terminal is
// theirs as before; signals to that group reach the supervisor's children and the launcher, but do
// not end the supervisor.
[[nodiscard]] int run_in_supervisor(const std::function<int(const SupervisorView&)>& body);

}  // namespace peal
