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

// Contains the faults of kernels on this thread while it lives. A fault is a bad pointer, a
// division by zero, an illegal instruction, a trap, an abort, a stack overflow, or more than
// `seconds` of processor time without an instruction of the chip. It ends the kernel's fiber
// without unwinding it, and the run with a RunError that names rank and source line. The previous
// signal handlers get the faults of all other code. How: a handler on an alternate stack decides
// whose fault it is; see the comment above handle() in the .cpp. Guards may nest; the innermost one
// counts.
class FaultGuard {
 public:
  // Installs the handlers, an interval timer of 0.1 s of processor time and a terminate handler.
  // The destructor restores those of before.
  explicit FaultGuard(double seconds);
  ~FaultGuard();
  FaultGuard(const FaultGuard&) = delete;
  FaultGuard& operator=(const FaultGuard&) = delete;

  static constexpr std::array signals = {SIGSEGV, SIGBUS,  SIGFPE,   SIGILL,
                                         SIGABRT, SIGTRAP, SIGVTALRM};

 private:
  std::shared_ptr<const void> state_before_;  // the enclosing guard's state
  std::array<struct sigaction, signals.size()> before_{};
  std::terminate_handler terminate_before_ = nullptr;
  stack_t stack_before_{};
  itimerval timer_before_{};
  pid_t thread_before_ = 0;
  double seconds_before_ = 0;
  std::unique_ptr<std::byte[]> stack_;
};

// Registers the object that holds the address as kernel code, and removes it again. The address is
// one in its code. May only be called while no kernel runs: the handler reads the list unlocked.
void add_kernel_object(const void* address_inside);
void remove_kernel_object(const void* address_inside);
// True if the address is in the code or data of a registered object.
[[nodiscard]] bool is_kernel_data(const void* address);

// Runs code of a loaded object while no core runs, such as an orchestration shim. If it faults, or
// takes more processor time than the guard allows, it is left without unwinding and RunError is
// thrown, whose text begins with `subject` and says what happened and in which line. Needs a living
// FaultGuard.
void run_guarded(const std::string& subject, const std::function<void()>& code);
// Called from such code: leaves it without unwinding; run_guarded() throws `failure`. Without a
// run_guarded() on this thread, throws `failure` itself, or ends a watched process if the thread
// has no guard.
[[noreturn]] void leave_guarded(std::exception_ptr failure);

}  // namespace peal
