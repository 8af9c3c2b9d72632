// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace peal {

// A pool of fiber stacks, each with a guard page below it. Returned stacks are reused.
class StackPool {
 public:
  StackPool() = default;
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  static constexpr std::size_t stack_bytes = std::size_t{256} * 1024;

  // Returns the lowest address of a stack of `stack_bytes`. Throws std::bad_alloc or Error when the
  // system refuses more mappings.
  [[nodiscard]] std::byte* take();
  void give_back(std::byte* stack);

 private:
  void grow();

  struct Region {
    std::byte* start = nullptr;
    std::size_t size_bytes = 0;
  };
  std::vector<Region> regions_;
  std::vector<std::byte*> free_;
};

// A program with its own stack, which runs until it suspends itself (a stackful coroutine). A fiber
// is resumed by one thread only, the one that made it.
//
// Besides registers and stack, a switch exchanges two things that the compiler's runtime keeps per
// thread and that belong to the fiber:
// - the state of C++ exceptions, since a program may suspend inside a catch block;
// - what the sanitizers know of the current stack (AddressSanitizer) and of the current thread of
//   execution (ThreadSanitizer), which they cannot see by themselves.
// No exception may unwind past a fiber's first frame, which has no caller: the fiber catches what
// its program throws, and resume() rethrows it on the resumer's stack.
class Fiber {
 public:
  Fiber(StackPool& stacks, std::function<void()> program);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Runs the program until it suspends or ends; rethrows the exception that it ends with.
  void resume();
  // Called by the program: switches to the resumer, and returns at the next resume().
  void suspend();
  [[nodiscard]] bool ended() const;

  // Called by the program: ends it without unwinding its frames; resume() rethrows `failure`.
  [[noreturn]] void abandon(std::exception_ptr failure);
  [[nodiscard]] std::span<std::byte> stack() const;

  // Unwinds a suspended program: suspend() throws instead of returning, until the program has
  // ended. An exception that the program ends with instead is discarded.
  void cancel();
  // Abandons a suspended program: its frames are not unwound, what they own leaks, and its stack is
  // reused. For code that is unsafe to unwind, such as kernels.
  void drop();

 private:
  void switch_in();

  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace peal
