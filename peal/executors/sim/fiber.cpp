// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/fiber.h"

#include <cxxabi.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstdlib>
#include <exception>
#include <new>
#include <utility>

#include "peal/base/error.h"
#include "peal/base/memory/machine_memory.h"
#include "peal/base/sanitizers.h"

#define PEAL_SANITIZED (PEAL_ADDRESS_SANITIZED || PEAL_THREAD_SANITIZED)

#if PEAL_SANITIZED
extern "C" {
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void* start, std::size_t size);
[[gnu::weak]] void __sanitizer_start_switch_fiber(void** fake_stack_save, const void* bottom,
                                                  std::size_t size);
[[gnu::weak]] void __sanitizer_finish_switch_fiber(void* fake_stack_save, const void** bottom_old,
                                                   std::size_t* size_old);
[[gnu::weak]] void* __tsan_get_current_fiber();
[[gnu::weak]] void* __tsan_create_fiber(unsigned flags);
[[gnu::weak]] void __tsan_destroy_fiber(void* fiber);
[[gnu::weak]] void __tsan_switch_to_fiber(void* fiber, unsigned flags);
}
#endif

namespace peal {

namespace context = boost::context::detail;

namespace {

constexpr std::size_t stacks_per_region = 64;

// Thrown by suspend() to unwind a cancelled program.
struct Cancelled {};

// The C++ runtime's per-thread exception state (__cxa_eh_globals of the Itanium ABI): the stack of
// caught exceptions, and the number of uncaught ones. Without the swap, a `throw;` in one fiber
// could rethrow an exception that another fiber is handling.
//
// Each switch swaps the thread's state with the fiber's copy, on the side that is left: in
// switch_in() before the jump into the fiber, in suspend() and leave() before the jump out of it.
// So the thread always has the state of the side that runs, and Context::exceptions that of the
// other side.
struct ExceptionState {
  void* caught = nullptr;
  unsigned uncaught = 0;

  void swap(ExceptionState& other) {
    std::swap(caught, other.caught);
    std::swap(uncaught, other.uncaught);
  }
  // The state of the calling thread.
  static ExceptionState& of_thread() {
    return *reinterpret_cast<ExceptionState*>(abi::__cxa_get_globals());
  }
};

// What the sanitizers have to be told about one side of a switch: AddressSanitizer the bounds of
// its stack and its saved fake stack, ThreadSanitizer its fiber object.
//
// A switch has two halves. start_switch() runs on the side that is left and announces the stack to
// come; a side that is left for good passes no place to save its fake stack, so that
// AddressSanitizer frees it. finish_switch() is the first thing to run on the other side: it
// restores that side's fake stack. Only there does AddressSanitizer tell the bounds of the stack
// that was left; the fiber keeps them, because it learns the resumer's stack in no other way.
// Switching ThreadSanitizer's fiber with flags 0 adds a happens-before edge, as is right for code
// that runs on one thread.
struct SanitizerSide {
#if PEAL_SANITIZED
  void* fake_stack = nullptr;
  const void* bottom = nullptr;
  std::size_t size = 0;
  void* tsan_fiber = nullptr;
#endif
};

void start_switch([[maybe_unused]] SanitizerSide& from, [[maybe_unused]] const SanitizerSide& to,
                  [[maybe_unused]] bool for_good) {
#if PEAL_SANITIZED
  if (__sanitizer_start_switch_fiber != nullptr) {
    __sanitizer_start_switch_fiber(for_good ? nullptr : &from.fake_stack, to.bottom, to.size);
  }
  if (__tsan_switch_to_fiber != nullptr) __tsan_switch_to_fiber(to.tsan_fiber, 0);
#endif
}

void finish_switch([[maybe_unused]] SanitizerSide& self,
                   [[maybe_unused]] SanitizerSide* came_from) {
#if PEAL_SANITIZED
  if (__sanitizer_finish_switch_fiber == nullptr) return;
  const void* bottom = nullptr;
  std::size_t size = 0;
  __sanitizer_finish_switch_fiber(self.fake_stack, &bottom, &size);
  if (came_from != nullptr) {
    came_from->bottom = bottom;
    came_from->size = size;
  }
#endif
}

// AddressSanitizer poisons the red zones of stack frames and unpoisons them when a function
// returns. The frames of a fiber that was dropped or abandoned never return, and the frames of its
// last functions stay poisoned, so a stack is unpoisoned as a whole before it is reused.
void forget_frames([[maybe_unused]] const std::byte* start,
                   [[maybe_unused]] std::size_t size_bytes) {
#if PEAL_SANITIZED
  if (__asan_unpoison_memory_region != nullptr) __asan_unpoison_memory_region(start, size_bytes);
#endif
}

}  // namespace

StackPool::~StackPool() {
  for (const Region& region : regions_) ::munmap(region.start, region.size_bytes);
}

void StackPool::give_back(std::byte* stack) {
  forget_frames(stack, stack_bytes);
  free_.push_back(stack);
}

std::byte* StackPool::take() {
  if (free_.empty()) grow();
  std::byte* stack = free_.back();
  free_.pop_back();
  return stack;
}

void StackPool::grow() {
  const std::size_t slot_bytes = stack_bytes + page_size_bytes();
  void* memory = ::mmap(nullptr, slot_bytes * stacks_per_region, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  regions_.push_back({static_cast<std::byte*>(memory), slot_bytes * stacks_per_region});
  for (std::size_t i = stacks_per_region; i-- > 0;) {
    std::byte* slot = regions_.back().start + i * slot_bytes;
    if (::mprotect(slot, page_size_bytes(), PROT_NONE) != 0) {
      throw UsageError(fmt::format(
          "simulator: the stacks of {} ranks are as many mappings as the system allows a process; "
          "use fewer ranks, or raise `sysctl vm.max_map_count` to 3 a rank",
          regions_.size() * stacks_per_region - i));
    }
    free_.push_back(slot + page_size_bytes());
  }
}

struct Fiber::Context {
  StackPool& stacks;
  std::function<void()> program;
  std::byte* stack;
  context::fcontext_t inside = nullptr;   // where the program continues
  context::fcontext_t outside = nullptr;  // where the resumer continues
  ExceptionState exceptions = {};
  ExceptionState& thread_exceptions = ExceptionState::of_thread();  // a fiber stays on its thread
  SanitizerSide program_side = {}, resumer_side = {};
  std::exception_ptr failure = {};
  bool ended = false;
  bool cancelled = false;

  // The fiber's first frame. Every exception ends here; one that the program ends with after a
  // cancellation is kept as a failure like any other, and cancel() discards it.
  static void enter(context::transfer_t transfer) {
    auto& self = *static_cast<Context*>(transfer.data);
    self.outside = transfer.fctx;
    finish_switch(self.program_side, &self.resumer_side);
    try {
      if (!self.cancelled) self.program();
    } catch (const Cancelled&) {
      self.cancelled = true;
    } catch (...) {
      self.failure = std::current_exception();
    }
    self.leave();
  }

  // Switches to the resumer for good.
  [[noreturn]] void leave() {
    ended = true;
    exceptions.swap(thread_exceptions);
    start_switch(program_side, resumer_side, /*for_good=*/true);
    context::jump_fcontext(outside, nullptr);
    PEAL_CHECK(false);
    std::abort();
  }
};

Fiber::Fiber(StackPool& stacks, std::function<void()> program)
    : context_(
          new Context{.stacks = stacks, .program = std::move(program), .stack = stacks.take()}) {
  context_->inside = context::make_fcontext(context_->stack + StackPool::stack_bytes,
                                            StackPool::stack_bytes, &Context::enter);
#if PEAL_SANITIZED
  context_->program_side.bottom = context_->stack;
  context_->program_side.size = StackPool::stack_bytes;
  if (__tsan_create_fiber != nullptr) context_->program_side.tsan_fiber = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
  if (!context_->ended) cancel();
#if PEAL_SANITIZED
  if (__tsan_destroy_fiber != nullptr) __tsan_destroy_fiber(context_->program_side.tsan_fiber);
#endif
  context_->stacks.give_back(context_->stack);
}

void Fiber::resume() {
  switch_in();
  Context& self = *context_;
  if (self.failure != nullptr) std::rethrow_exception(std::exchange(self.failure, nullptr));
}

void Fiber::switch_in() {
  Context& self = *context_;
  PEAL_CHECK(!self.ended);
#if PEAL_SANITIZED
  if (__tsan_get_current_fiber != nullptr) {
    self.resumer_side.tsan_fiber = __tsan_get_current_fiber();
  }
#endif
  self.exceptions.swap(self.thread_exceptions);
  start_switch(self.resumer_side, self.program_side, /*for_good=*/false);
  const context::transfer_t transfer = context::jump_fcontext(self.inside, &self);
  finish_switch(self.resumer_side, nullptr);
  self.inside = transfer.fctx;
}

void Fiber::suspend() {
  Context& self = *context_;
  self.exceptions.swap(self.thread_exceptions);
  start_switch(self.program_side, self.resumer_side, /*for_good=*/false);
  const context::transfer_t transfer = context::jump_fcontext(self.outside, nullptr);
  finish_switch(self.program_side, &self.resumer_side);
  self.outside = transfer.fctx;
  if (self.cancelled) throw Cancelled{};
}

void Fiber::abandon(std::exception_ptr failure) {
  context_->failure = std::move(failure);
  context_->leave();
}

std::span<std::byte> Fiber::stack() const { return {context_->stack, StackPool::stack_bytes}; }

bool Fiber::ended() const { return context_->ended; }

// Loops because a program may catch the exception and suspend again; then suspend() throws again.
void Fiber::cancel() {
  Context& self = *context_;
  self.cancelled = true;
  while (!self.ended) switch_in();
  self.failure = nullptr;  // the caller has a failure already, the reason for cancelling
}

// The destructor then does not cancel, and only returns the stack.
void Fiber::drop() { context_->ended = true; }

}  // namespace peal
