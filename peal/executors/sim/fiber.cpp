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

// Ends a program that is not to run on.
struct Cancelled {};

// The exceptions that a thread is handling belong to the fiber that handles them.
struct ExceptionState {
  void* caught = nullptr;
  unsigned uncaught = 0;

  void swap(ExceptionState& other) {
    std::swap(caught, other.caught);
    std::swap(uncaught, other.uncaught);
  }
  // That of the calling thread.
  static ExceptionState& of_thread() {
    return *reinterpret_cast<ExceptionState*>(abi::__cxa_get_globals());
  }
};

// What the sanitizers have to know about one side of a switch.
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

// AddressSanitizer marks the frames of a stack; those of a fiber's last function stay marked.
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
      throw Error(fmt::format(
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
  context::fcontext_t inside = nullptr;   // where the program goes on
  context::fcontext_t outside = nullptr;  // where the resumer goes on
  ExceptionState exceptions = {};
  ExceptionState& thread_exceptions = ExceptionState::of_thread();  // a fiber stays on its thread
  SanitizerSide program_side = {}, resumer_side = {};
  std::exception_ptr failure = {};
  bool ended = false;
  bool cancelled = false;

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

  // Returns to the resumer for good.
  [[noreturn]] void leave() {
    ended = true;
    exceptions.swap(thread_exceptions);
    start_switch(program_side, resumer_side, /*for_good=*/true);
    context::jump_fcontext(outside, nullptr);
    CHECK(false);
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
  CHECK(!self.ended);
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

void Fiber::cancel() {
  Context& self = *context_;
  self.cancelled = true;
  while (!self.ended) switch_in();
  self.failure = nullptr;  // what it has ended with instead; the reason to cancel it comes first
}

void Fiber::drop() { context_->ended = true; }

}  // namespace peal
