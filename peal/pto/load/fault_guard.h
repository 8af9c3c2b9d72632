// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>
#include <sys/time.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>

namespace peal {

// While it lives, a fault of a kernel on this thread (a bad pointer, a division by zero, an illegal
// instruction, a stack that overflows, or more than `seconds` of processor time without an
// instruction of the chip) leaves the kernel's fiber for good and ends the run with a RunError that
// names rank and source line. A fault anywhere else goes to whoever handled the signal before. One
// may live within another's life.
class FaultGuard {
 public:
  explicit FaultGuard(double seconds);
  ~FaultGuard();
  FaultGuard(const FaultGuard&) = delete;
  FaultGuard& operator=(const FaultGuard&) = delete;

  static constexpr std::array signals = {SIGSEGV, SIGBUS,  SIGFPE,   SIGILL,
                                         SIGABRT, SIGTRAP, SIGVTALRM};

 private:
  std::shared_ptr<const void> state_before_;  // of a guard that lives already
  std::array<struct sigaction, signals.size()> before_{};
  stack_t stack_before_{};
  itimerval timer_before_{};
  pid_t thread_before_ = 0;
  double seconds_before_ = 0;
  std::unique_ptr<std::byte[]> stack_;
};

// Makes the addresses of a loaded kernel's object known, by any address in it, or forgets them.
void add_kernel_object(const void* address_inside);
void remove_kernel_object(const void* address_inside);
// Whether the address is in the code or data of a loaded kernel.
[[nodiscard]] bool is_kernel_data(const void* address);

// Runs code of a loaded object outside of every core, such as an orchestration shim. Where it
// faults or does not end, it is left for good, and RunError, which begins with the subject, says
// what happened and where. Needs a living FaultGuard.
void run_guarded(const std::string& subject, const std::function<void()>& code);
// Called by such code: leaves it for good, without unwinding it; run_guarded throws the failure.
// Elsewhere the failure is thrown.
[[noreturn]] void leave_guarded(std::exception_ptr failure);

}  // namespace peal
