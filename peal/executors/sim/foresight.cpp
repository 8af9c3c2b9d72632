// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include <exception>
#include <thread>

#include "peal/executors/sim/executor.h"
#include "peal/executors/sim/rank_device.h"

namespace peal {
namespace {

// Blocks all signals while it lives. Threads started meanwhile inherit the mask, so that signals
// such as a timer of the caller's are never delivered to them.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_{};
};

// Runs a simulation inside a simulation. current_core() is per thread, so the inner one gets its
// own thread, and the caller waits for it.
Picoseconds simulated_time(const Platform& platform, int ranks,
                           const std::function<void(Team&)>& program) {
  Picoseconds time = 0;
  std::exception_ptr failure;
  const auto simulate = [&] {
    try {
      time = SimExecutor(platform).run(ranks, program, {.values = false}).time_ps;
    } catch (...) {
      failure = std::current_exception();  // thrown again by the caller
    }
  };
  {
    const SignalsHeld held;
    std::thread(simulate).join();
  }
  if (failure) std::rethrow_exception(failure);
  return time;
}

}  // namespace

std::optional<Picoseconds> SimDevice::do_foresee(const std::string& name, int ranks,
                                                 const std::function<void(Team&)>& program) {
  const auto known = run_.foreseen.find(name);
  if (known != run_.foreseen.end()) return known->second;
  const Picoseconds time = simulated_time(run_.fabric.platform(), ranks, program);
  run_.foreseen.emplace(name, time);
  return time;
}

}  // namespace peal
