// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace peal {

// Stacks of fibers, each with a guard page below it. Stacks that are given back are used again.
class StackPool {
 public:
  StackPool() = default;
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  static constexpr std::size_t stack_bytes = std::size_t{256} * 1024;

  // The lowest address of a stack's usable bytes.
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

// A program with a stack of its own, which runs until it suspends itself. All fibers of a thread
// and their resumer are one thread to the system; the sanitizers are told of every switch.
class Fiber {
 public:
  Fiber(StackPool& stacks, std::function<void()> program);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Runs the program until it suspends or ends. An exception that the program ends with comes out
  // of here.
  void resume();
  // Called by the program: returns to the resumer.
  void suspend();
  [[nodiscard]] bool ended() const;

  // Called by the program: ends it without unwinding; the failure comes out of resume().
  [[noreturn]] void abandon(std::exception_ptr failure);
  [[nodiscard]] std::span<std::byte> stack() const;

  // Unwinds a suspended program: its next return from suspend() is an exception that ends it. What
  // the program ends with comes out of nowhere.
  void cancel();
  // Leaves a suspended program where it stands, for good: nothing of it is unwound, its stack is
  // used again, and what its frames own is lost. For code that cannot be trusted to be unwound.
  void drop();

 private:
  void switch_in();

  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace peal
