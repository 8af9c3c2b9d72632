// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/fault_guard.h"

#include <fmt/format.h>
#include <link.h>
#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <span>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/chip/core.h"
#include "peal/machine/kernel_failure.h"
#include "peal/pto/source_line.h"

extern "C" [[gnu::weak]] void __asan_unpoison_memory_region(const volatile void* start,
                                                            std::size_t size);

namespace peal {
namespace {

constexpr double tick_seconds = 0.1;
constexpr std::size_t signal_stack_bytes = std::size_t{128} * 1024;
constexpr std::uintptr_t guard_bytes = 64 * 1024;  // below a stack: what a big frame may skip to

constexpr std::uintptr_t stack_slack = 1024 * 1024;  // how near the stack pointer its stack is

struct Range {
  std::uintptr_t begin = 0, end = 0;
  [[nodiscard]] bool holds(std::uintptr_t address) const {
    return address >= begin && address < end;
  }
};

// The kernels that are loaded, their code and all of them; changed only while no kernel runs.
struct KernelObject {
  Range code, all;
};
std::vector<KernelObject> kernel_objects;

// What the handler leaves for the program's landing, and what it counts; the handler runs on the
// thread that it interrupts.
struct State {
  bool active = false;
  int signal = 0;
  std::uintptr_t address = 0, counter = 0;  // of the access, and of the instruction
  bool overflowed = false;
  std::span<std::byte> stack;  // of the fiber
  double seconds = 0;
  int still_ticks = 0;
  const Core* seen_core = nullptr;
  std::uint64_t seen_instructions = 0;
  sigjmp_buf* escape = nullptr;  // out of code that runs outside of every core
  std::array<struct sigaction, FaultGuard::signals.size()> before{};
};
thread_local State state;

bool in_kernel(std::uintptr_t address) {
  return std::any_of(kernel_objects.begin(), kernel_objects.end(),
                     [address](const auto& object) { return object.code.holds(address); });
}

std::string what_happened() {
  switch (state.signal) {
    case SIGFPE:
      return "an integer was divided by zero, or a quotient does not fit";
    case SIGILL:
      return "it reached an illegal instruction";
    case SIGVTALRM:
      return fmt::format("it ran for {:.0f} s without an instruction of the chip", state.seconds);
    default:
      return state.overflowed ? "its stack has overflowed"
                              : fmt::format("it used the bad pointer {:#x}", state.address);
  }
}

std::string what_happened(const Core& core) {
  if (!state.overflowed) return what_happened();
  return fmt::format("its stack of {} bytes has overflowed",
                     core.fabric().programs().stack(core.index()).size());
}

std::exception_ptr describe_fault(const Core& core) {
  return std::make_exception_ptr(KernelFailure(
      KernelFailure::Kind::other, core.rank(), core.index(), "it crashed: " + what_happened(core),
      source_line(reinterpret_cast<const void*>(state.counter))));
}

// Where a kernel that has faulted goes on: at the top of its own stack, which nobody returns to and
// which is not unwound, so that nothing may be owned here.
[[noreturn]] void land() {
  // Before anything that has variables of its own: the frames that were here are still marked.
  if (__asan_unpoison_memory_region != nullptr) {
    __asan_unpoison_memory_region(state.stack.data(), state.stack.size());
  }
  const Core& core = *current_core();
  core.fabric().programs().abandon(core.index(), describe_fault(core));
  std::abort();  // abandon() does not return
}

bool has_stood_still(const Core& core) {
  if (state.seen_core != &core || state.seen_instructions != core.instructions()) {
    state.seen_core = &core;
    state.seen_instructions = core.instructions();
    state.still_ticks = 0;
    return false;
  }
  return ++state.still_ticks * tick_seconds >= state.seconds;
}

// Gives a signal that is not a kernel's to its handler of before.
void pass_on(int signal) {
  if (signal == SIGVTALRM) return;
  const auto index = std::find(FaultGuard::signals.begin(), FaultGuard::signals.end(), signal) -
                     FaultGuard::signals.begin();
  ::sigaction(signal, &state.before[static_cast<std::size_t>(index)], nullptr);
}

// Where a kernel has called the function without a frame, such as memcpy of the C library, that the
// stack pointer is in; 0 where no kernel has.
std::uintptr_t kernel_call_at(std::uintptr_t stack_pointer) {
  std::uintptr_t place = 0;
  std::memcpy(&place, reinterpret_cast<const void*>(stack_pointer), sizeof(place));
  return in_kernel(place) ? place - 1 : 0;  // a return address is behind the call
}

// A fault of code that runs outside of every core, or of a function that it has called.
void escape(int signal, const siginfo_t& info, const ucontext_t& context) {
  const auto& registers = context.uc_mcontext.gregs;
  const auto stack_pointer = static_cast<std::uintptr_t>(registers[REG_RSP]);
  auto place = static_cast<std::uintptr_t>(registers[REG_RIP]);
  if (!in_kernel(place)) {
    if (signal == SIGVTALRM) return;
    place = kernel_call_at(stack_pointer);
    if (place == 0) return pass_on(signal);
  }
  if (signal == SIGVTALRM && ++state.still_ticks * tick_seconds < state.seconds) return;
  state.signal = signal;
  state.address = reinterpret_cast<std::uintptr_t>(info.si_addr);
  state.counter = place;
  state.overflowed = signal == SIGSEGV && state.address + stack_slack > stack_pointer &&
                     state.address < stack_pointer + stack_slack;
  siglongjmp(*state.escape, 1);
}

void handle(int signal, siginfo_t* info, void* opaque) {
  auto* context = static_cast<ucontext_t*>(opaque);
  auto& registers = context->uc_mcontext.gregs;
  const Core* core = state.active ? current_core() : nullptr;
  if (core == nullptr && state.escape != nullptr) return escape(signal, *info, *context);
  if (core == nullptr) return pass_on(signal);
  const auto counter = static_cast<std::uintptr_t>(registers[REG_RIP]);
  const auto stack_pointer = static_cast<std::uintptr_t>(registers[REG_RSP]);
  const auto stack = core->fabric().programs().stack(core->index());
  const auto bottom = reinterpret_cast<std::uintptr_t>(stack.data());
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  const bool overflowed = (signal == SIGSEGV || signal == SIGBUS) && address < bottom &&
                          address + guard_bytes >= bottom;
  std::uintptr_t place = counter;
  if (!in_kernel(counter) && !overflowed) {
    const bool on_stack = stack_pointer >= bottom && stack_pointer + 8 <= bottom + stack.size();
    if (signal == SIGVTALRM || !on_stack) return pass_on(signal);
    place = kernel_call_at(stack_pointer);
    if (place == 0) return pass_on(signal);
  }
  if (signal == SIGVTALRM && !has_stood_still(*core)) return;
  state.signal = signal;
  state.address = address;
  state.counter = place;
  state.overflowed = overflowed;
  state.stack = stack;
  // As at a function's entry: the stack pointer is 8 past a multiple of 16.
  registers[REG_RSP] = static_cast<greg_t>((bottom + stack.size()) / 16 * 16 - 8);
  registers[REG_RIP] = static_cast<greg_t>(reinterpret_cast<std::uintptr_t>(&land));
}

KernelObject find_object(const void* address_inside) {
  struct Search {
    std::uintptr_t address;
    KernelObject found;
  } search{reinterpret_cast<std::uintptr_t>(address_inside), {}};
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto& wanted = *static_cast<Search*>(data);
        KernelObject object{{}, {UINTPTR_MAX, 0}};
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto& part = info->dlpi_phdr[i];
          if (part.p_type != PT_LOAD) continue;
          const std::uintptr_t begin = info->dlpi_addr + part.p_vaddr;
          const Range range{begin, begin + part.p_memsz};
          object.all = {std::min(object.all.begin, range.begin),
                        std::max(object.all.end, range.end)};
          if ((part.p_flags & PF_X) != 0 && range.holds(wanted.address)) object.code = range;
        }
        if (object.code.holds(wanted.address)) wanted.found = object;
        return 0;
      },
      &search);
  return search.found;
}

}  // namespace

FaultGuard::FaultGuard(double seconds)
    : state_before_(std::make_shared<const State>(state)),
      stack_(new std::byte[signal_stack_bytes]) {
  state = State{};
  state.active = true;
  state.seconds = seconds;
  stack_t stack{};
  stack.ss_sp = stack_.get();
  stack.ss_size = signal_stack_bytes;
  CHECK(::sigaltstack(&stack, &stack_before_) == 0);
  struct sigaction action {};
  action.sa_sigaction = &handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < signals.size(); ++i) {
    CHECK(::sigaction(signals[i], &action, &before_[i]) == 0);
  }
  state.before = before_;
  const itimerval tick{.it_interval = {0, 100000}, .it_value = {0, 100000}};
  CHECK(::setitimer(ITIMER_VIRTUAL, &tick, &timer_before_) == 0);
}

FaultGuard::~FaultGuard() {
  ::setitimer(ITIMER_VIRTUAL, &timer_before_, nullptr);
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
  ::sigaltstack(&stack_before_, nullptr);
  state = *static_cast<const State*>(state_before_.get());
}

void run_guarded(const std::function<void()>& code) {
  sigjmp_buf here;
  state.still_ticks = 0;
  state.escape = &here;
  struct Stop {
    ~Stop() { state.escape = nullptr; }
  } stop;
  if (sigsetjmp(here, 1) == 0) return code();
  state.escape = nullptr;
  throw RunError(fmt::format("orchestration crashed: {}   {}", what_happened(),
                             source_line(reinterpret_cast<const void*>(state.counter))));
}

void add_kernel_object(const void* address_inside) {
  kernel_objects.push_back(find_object(address_inside));
}

void remove_kernel_object(const void* address_inside) {
  const auto address = reinterpret_cast<std::uintptr_t>(address_inside);
  const auto found =
      std::find_if(kernel_objects.begin(), kernel_objects.end(),
                   [address](const auto& object) { return object.code.holds(address); });
  if (found != kernel_objects.end()) kernel_objects.erase(found);
}

bool is_kernel_data(const void* address) {
  const auto place = reinterpret_cast<std::uintptr_t>(address);
  return std::any_of(kernel_objects.begin(), kernel_objects.end(),
                     [place](const auto& object) { return object.all.holds(place); });
}

}  // namespace peal
