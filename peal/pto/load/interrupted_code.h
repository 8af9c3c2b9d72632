// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ucontext.h>

#include <cstdint>

namespace peal {

// The registers of code that a signal has interrupted, by architecture.
class InterruptedCode {
 public:
  explicit InterruptedCode(ucontext_t& context) : context_(context.uc_mcontext) {}

  [[nodiscard]] std::uintptr_t program_counter() const {
#if defined(__x86_64__)
    return static_cast<std::uintptr_t>(context_.gregs[REG_RIP]);
#elif defined(__aarch64__)
    return context_.pc;
#endif
  }
  [[nodiscard]] std::uintptr_t stack_pointer() const {
#if defined(__x86_64__)
    return static_cast<std::uintptr_t>(context_.gregs[REG_RSP]);
#elif defined(__aarch64__)
    return context_.sp;
#endif
  }
  // Lets the thread go on in `function` when the handler returns, on a stack that ends at `end`.
  void go_on_in(void (*function)(), std::uintptr_t end) {
    const auto counter = reinterpret_cast<std::uintptr_t>(function);
    const std::uintptr_t top = end / 16 * 16;  // both ABIs keep stacks aligned so
#if defined(__x86_64__)
    // At a function's entry the return address has been pushed.
    context_.gregs[REG_RSP] = static_cast<greg_t>(top - sizeof(void*));
    context_.gregs[REG_RIP] = static_cast<greg_t>(counter);
#elif defined(__aarch64__)
    context_.sp = top;
    context_.pc = counter;
    context_.regs[30] = 0;  // the return address
#endif
  }

 private:
#if !defined(__x86_64__) && !defined(__aarch64__)
#error "fault_guard needs this architecture's program counter and stack pointer"
#endif
  mcontext_t& context_;
};

}  // namespace peal
