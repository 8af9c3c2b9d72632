// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/load/fault_guard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <link.h>
#include <setjmp.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "peal/base/error.h"
#include "peal/base/exception_type.h"
#include "peal/base/process/last_words.h"
#include "peal/chip/core/core.h"
#include "peal/pto/load/interrupted_code.h"
#include "peal/pto/load/source_line.h"
#include "peal/run/kernel_failure.h"

extern "C" [[gnu::weak]] void __asan_unpoison_memory_region(const volatile void* start,
                                                            std::size_t size);

namespace peal {
namespace {

constexpr double tick_seconds = 0.1;
constexpr std::size_t signal_stack_bytes = std::size_t{128} * 1024;
constexpr std::uintptr_t guard_bytes = 64 * 1024;  // an access so far below a stack overflows it

constexpr std::uintptr_t stack_slack = 1024 * 1024;  // the same, around the stack pointer

constexpr std::uintptr_t min_address = 65536;  // below it, an offset from a null pointer

struct Range {
  std::uintptr_t begin = 0, end = 0;
  [[nodiscard]] bool holds(std::uintptr_t address) const {
    return address >= begin && address < end;
  }
};

// The registered objects: executable segment and whole mapping. Changed only while no kernel runs.
struct LoadedRange {
  Range code, all;
};
std::vector<LoadedRange> kernel_objects;

// The executable segment of the program or library that Peal is linked into.
Range own_code;

// What the handler passes to land() or run_guarded(), and counts between ticks. A handler is given
// no context, and interrupts its own thread: a thread_local, without atomics.
struct State {
  bool active = false;
  int signal = 0;
  std::uintptr_t address = 0, counter = 0;  // of the access; of the instruction to report
  bool overflowed = false;
  std::span<std::byte> stack;  // of the fiber
  double seconds = 0;
  int still_ticks = 0;
  const Core* seen_core = nullptr;
  std::uint64_t seen_instructions = 0;
  sigjmp_buf* escape = nullptr;  // set in run_guarded(): where to leave its code to
  std::exception_ptr left;       // the failure that leave_guarded() was called with
  bool out_of_memory = false;
  std::array<struct sigaction, FaultGuard::signals.size()> before{};
};
thread_local State state;

bool in_kernel(std::uintptr_t address) {
  return std::any_of(kernel_objects.begin(), kernel_objects.end(),
                     [address](const auto& object) { return object.code.holds(address); });
}

// The thread of the innermost guard; 0 if none lives.
std::atomic<pid_t> guarded_thread = 0;

// Signals progress to the process that watches this one, if any.
void come_on() {
  if (last_words() != nullptr) ++last_words()->moves;
}

bool is_ended_by_watcher() {
  return last_words() != nullptr && last_words()->stall.load() != Stall::none;
}

std::string what_happened() {
  switch (state.signal) {
    case SIGFPE:
      return "an integer was divided by zero, or a quotient does not fit";
    case SIGILL:
      return "it reached an illegal instruction";
    case SIGVTALRM:
      if (state.out_of_memory) {
        return fmt::format("the run has taken {} MiB of memory; does a loop of it end?",
                           last_words()->max_memory_bytes >> 20);
      }
      if (is_ended_by_watcher() && last_words()->stall != Stall::spins) {
        return text_of(last_words()->stall);
      }
      return fmt::format("it ran for {:.0f} s without an instruction of the chip", state.seconds);
    case SIGABRT:
      return "it aborts";
    case SIGTRAP:
      return "it reached a trap";
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
  const std::string what = "it crashed: " + what_happened(core);
  const FailurePlace place = failure_place(reinterpret_cast<const void*>(state.counter));
  // Shared memory first: the kernel may have corrupted what reporting from this process needs.
  if (last_words() != nullptr) {
    say_last(last_words()->failure, core.rank(), core.index(), what,
             {.file = place.file, .line = place.line, .address = place.address});
  }
  // An address close to 0 means an unset pointer, not one that ran out of its buffer.
  const bool is_outside = (state.signal == SIGSEGV || state.signal == SIGBUS) &&
                          !state.overflowed && state.address >= min_address;
  return std::make_exception_ptr(
      KernelFailure(is_outside ? KernelFailure::Kind::out_of_bounds : KernelFailure::Kind::other,
                    core.rank(), core.index(), what, place));
}

// A faulted kernel continues here, as ordinary code at the top of its own stack (see handle()). The
// fiber never returns and is never unwound, so destructors do not run: own nothing here.
[[noreturn]] void land() {
  // First of all: ASan's shadow still marks the frames that were here.
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
    come_on();
    return is_ended_by_watcher();
  }
  return is_ended_by_watcher() || ++state.still_ticks * tick_seconds >= state.seconds;
}

// Passes on a signal that is not a kernel's. A tick counts as progress. For a fault, reinstalls the
// previous action, which gets it when the instruction faults again on return.
void pass_on(int signal) {
  if (signal == SIGVTALRM) return come_on();
  const auto index = std::find(FaultGuard::signals.begin(), FaultGuard::signals.end(), signal) -
                     FaultGuard::signals.begin();
  ::sigaction(signal, &state.before[static_cast<std::size_t>(index)], nullptr);
}

// Visits the callers of the code that was interrupted at `counter`, innermost first, up to the
// first one that belongs to a kernel or to Peal.
struct FrameSearch {
  std::uintptr_t counter = 0;
  bool has_begun = false;  // false in the frames of the handler itself
  std::uintptr_t found = 0;
  bool meets_peal = false;

  static _Unwind_Reason_Code visit(_Unwind_Context* frame, void* data) {
    auto& search = *static_cast<FrameSearch*>(data);
    int is_before_instruction = 0;
    const std::uintptr_t place = _Unwind_GetIPInfo(frame, &is_before_instruction);
    if (!search.has_begun) {
      search.has_begun = place == search.counter;
      return _URC_NO_REASON;
    }
    search.meets_peal = own_code.holds(place - 1);
    if (search.meets_peal) return _URC_END_OF_STACK;
    if (!in_kernel(place - 1)) return _URC_NO_REASON;
    search.found = place - 1;
    return _URC_END_OF_STACK;
  }
};

// The call site in a kernel from which library code at `counter` was reached; 0 if there is none,
// or if Peal lies between: then Peal computes on the kernel's behalf, which counts as progress.
std::uintptr_t kernel_frame_of(std::uintptr_t counter, std::uintptr_t stack_pointer) {
  // The unwinder does not know a function without unwind information or a jump to nowhere; in both
  // the return address is at the stack pointer.
  std::uintptr_t called_from = 0;
  std::memcpy(&called_from, reinterpret_cast<const void*>(stack_pointer), sizeof(called_from));
  if (in_kernel(called_from)) return called_from - 1;
  FrameSearch search{.counter = counter};
  _Unwind_Backtrace(&FrameSearch::visit, &search);
  if (search.meets_peal) come_on();
  return search.found;
}

// Resident memory of this process; 0 if unknown. Async-signal-safe: no allocation, no stdio.
std::uint64_t resident_bytes() {
  const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[128] = {};
  const ssize_t size = ::read(file, text, sizeof(text) - 1);
  ::close(file);
  if (size <= 0) return 0;
  const char* second = std::strchr(text, ' ');
  std::uint64_t pages = 0;
  for (const char* digit = second == nullptr ? "" : second + 1; *digit >= '0' && *digit <= '9';
       ++digit) {
    pages = pages * 10 + static_cast<std::uint64_t>(*digit - '0');
  }
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));  // which handlers may call
}

bool has_too_much_memory() {
  const LastWords* const words = last_words();
  return words != nullptr && words->max_memory_bytes != 0 &&
         resident_bytes() > words->max_memory_bytes;
}

// handle() for code under run_guarded(), by the same rules. Leaves it with siglongjmp(), which also
// restores the signal mask. Ticks count from the code's start: it issues no instructions.
void escape(int signal, const siginfo_t& info, const InterruptedCode& code) {
  const std::uintptr_t stack_pointer = code.stack_pointer();
  std::uintptr_t place = code.program_counter();
  if (!in_kernel(place)) {
    if (signal == SIGVTALRM && last_words() == nullptr) return;  // see handle()
    place = own_code.holds(place) ? 0 : kernel_frame_of(place, stack_pointer);
    if (place == 0) return pass_on(signal);
  }
  if (signal == SIGVTALRM && !is_ended_by_watcher() &&
      ++state.still_ticks * tick_seconds < state.seconds) {
    return;
  }
  state.signal = signal;
  state.address = reinterpret_cast<std::uintptr_t>(info.si_addr);
  state.counter = place;
  state.overflowed = signal == SIGSEGV && state.address + stack_slack > stack_pointer &&
                     state.address < stack_pointer + stack_slack;
  siglongjmp(*state.escape, 1);
}

// Handles a fault, or a tick of the timer, on the alternate stack. Steps:
//  1. The timer counts the whole process's time and may interrupt any thread. A thread without a
//     guard forwards the tick to the guard's thread.
//  2. Without a running core, escape() decides for code under run_guarded(); all else is passed on.
//  3. Kernel code, or any stack overflow on the fiber, is the kernel's own. Library code is the
//     kernel's if a kernel has called it, with no Peal frame between. Peal's code, and code on
//     another stack, is not.
//  4. A tick ends the kernel after `seconds` without an instruction, or if the watcher asks for it.
//     In library code it does so only in a watched process: leaving the library may leave its locks
//     held, which a process that ends after this run can bear. A fault there leaves no choice. If
//     the process takes too much memory, a tick ends the kernel whatever code runs.
//  5. To end the kernel, the handler does not jump: it edits the interrupted context and returns.
//     The system restores signal mask and stack, and land() runs outside the handler, where it may
//     allocate. The stack's top has room even after an overflow. A watched process leaves its last
//     words before, in case land() itself fails.
void handle(int signal, siginfo_t* info, void* opaque) {
  // Step 1.
  if (signal == SIGVTALRM && !state.active && guarded_thread != 0) {
    const int error = errno;
    ::syscall(SYS_tgkill, ::getpid(), guarded_thread.load(), SIGVTALRM);
    errno = error;
    return;
  }
  InterruptedCode code(*static_cast<ucontext_t*>(opaque));
  const Core* core = state.active ? current_core() : nullptr;
  if (core == nullptr && state.escape != nullptr) return escape(signal, *info, code);
  if (core == nullptr) return pass_on(signal);
  const std::uintptr_t counter = code.program_counter(), stack_pointer = code.stack_pointer();
  const auto stack = core->fabric().programs().stack(core->index());
  const auto bottom = reinterpret_cast<std::uintptr_t>(stack.data());
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  const bool overflowed = (signal == SIGSEGV || signal == SIGBUS) && address < bottom &&
                          address + guard_bytes >= bottom;
  const bool on_stack = stack_pointer >= bottom && stack_pointer + 8 <= bottom + stack.size();
  const bool is_watched = last_words() != nullptr;
  const bool ticks = signal == SIGVTALRM;
  std::uintptr_t place = counter;
  if (ticks && has_too_much_memory()) {
    state.out_of_memory = true;
    const std::uintptr_t frame = on_stack ? kernel_frame_of(counter, stack_pointer) : 0;
    if (!in_kernel(counter) && frame != 0) place = frame;
  } else if (!in_kernel(counter) && !overflowed) {
    // Steps 3 and 4.
    if (!on_stack || own_code.holds(counter) || (ticks && !is_watched)) return pass_on(signal);
    place = kernel_frame_of(counter, stack_pointer);
    if (place == 0) return ticks ? void() : pass_on(signal);
    if (ticks && !has_stood_still(*core)) return;
  } else if (ticks && !has_stood_still(*core)) {
    return;
  }
  state.signal = signal;
  state.address = address;
  state.counter = place;
  state.overflowed = overflowed;
  state.stack = stack;
  if (is_watched) {
    const SourcePlace last = core->place();
    say_last(last_words()->failure, core->rank(), core->index(),
             ticks ? "it does not come to its next instruction of the chip" : "it crashed",
             {.file = last.file == nullptr ? "" : last.file});
  }
  code.go_on_in(&land, bottom + stack.size());  // step 5
}

std::string name_of_exception() {
  const std::string type = type_of_exception();
  if (type.empty()) return "";
  std::string text = fmt::format(" of type {}", type);
  try {
    std::rethrow_exception(std::current_exception());
  } catch (const std::exception& error) {
    text += fmt::format(" ({})", error.what());
  } catch (...) {  // which has no text
  }
  return text;
}

// The terminate handler outside of all guards.
std::terminate_handler terminate_before = nullptr;

// The terminate handler: in a kernel, usually an exception that leaves a noexcept function. The
// line is that of the innermost word on the stack that points into kernel code: a return address.
[[noreturn]] void end_terminated() {
  Core* const core = state.active ? current_core() : nullptr;
  if (core == nullptr || !core->in_kernel()) {
    if (terminate_before != nullptr) terminate_before();
    std::abort();
  }
  const auto stack = core->fabric().programs().stack(core->index());
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const auto end = reinterpret_cast<std::uintptr_t>(stack.data() + stack.size());
  std::uintptr_t place = 0;
  for (std::uintptr_t word = here / 8 * 8; word + 8 <= end && place == 0; word += 8) {
    std::uintptr_t value = 0;
    std::memcpy(&value, reinterpret_cast<const void*>(word), sizeof(value));
    if (in_kernel(value)) place = value - 1;
  }
  const std::string type = name_of_exception();
  const std::string what =
      type.empty() ? "it calls std::terminate()"
                   : fmt::format("an exception{} leaves a function that is noexcept", type);
  const FailurePlace failed_at = place != 0 ? failure_place(reinterpret_cast<const void*>(place))
                                            : FailurePlace::after(core->place());
  core->fail(std::make_exception_ptr(
      KernelFailure(KernelFailure::Kind::other, core->rank(), core->index(), what, failed_at)));
}

LoadedRange find_object(const void* address_inside) {
  struct Search {
    std::uintptr_t address;
    LoadedRange found;
  } search{reinterpret_cast<std::uintptr_t>(address_inside), {}};
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto& wanted = *static_cast<Search*>(data);
        LoadedRange object{{}, {UINTPTR_MAX, 0}};
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
  if (own_code.end == 0) own_code = find_object(reinterpret_cast<const void*>(&handle)).code;
  terminate_before_ = std::set_terminate(&end_terminated);
  if (terminate_before_ != &end_terminated) terminate_before = terminate_before_;
  stack_t stack{};
  stack.ss_sp = stack_.get();
  stack.ss_size = signal_stack_bytes;
  PEAL_CHECK(::sigaltstack(&stack, &stack_before_) == 0);
  struct sigaction action {};
  action.sa_sigaction = &handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < signals.size(); ++i) {
    PEAL_CHECK(::sigaction(signals[i], &action, &before_[i]) == 0);
  }
  state.before = before_;
  thread_before_ = guarded_thread.exchange(::gettid());
  if (last_words() != nullptr) seconds_before_ = last_words()->guarded_seconds.exchange(seconds);
  const itimerval tick{.it_interval = {0, 100000}, .it_value = {0, 100000}};
  PEAL_CHECK(::setitimer(ITIMER_VIRTUAL, &tick, &timer_before_) == 0);
}

FaultGuard::~FaultGuard() {
  if (last_words() != nullptr) last_words()->guarded_seconds = seconds_before_;
  guarded_thread = thread_before_;
  std::set_terminate(terminate_before_);
  // A pending tick would kill the process once the default action is back; SIG_IGN discards it.
  const itimerval stopped{};
  ::setitimer(ITIMER_VIRTUAL, &stopped, nullptr);
  struct sigaction ignored {};
  ignored.sa_handler = SIG_IGN;
  ::sigaction(SIGVTALRM, &ignored, nullptr);
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
  ::setitimer(ITIMER_VIRTUAL, &timer_before_, nullptr);
  ::sigaltstack(&stack_before_, nullptr);
  state = *static_cast<const State*>(state_before_.get());
}

void run_guarded(const std::string& subject, const std::function<void()>& code) {
  sigjmp_buf here;
  state.still_ticks = 0;
  state.escape = &here;
  struct Stop {
    ~Stop() { state.escape = nullptr; }
  } stop;
  state.left = nullptr;
  if (sigsetjmp(here, 1) == 0) return code();
  state.escape = nullptr;
  if (state.left != nullptr) std::rethrow_exception(std::exchange(state.left, nullptr));
  throw RunError(
      fmt::format("{} crashed: {}   {}", subject, what_happened(),
                  describe(failure_place(reinterpret_cast<const void*>(state.counter)))));
}

namespace {

// A thread that a kernel has started cannot be left alone: end the process, after its last words.
[[noreturn]] void end_thread(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    if (state.active || last_words() == nullptr) throw;
    say_last(last_words()->failure, -1, -1, error.what());
  }
  std::abort();
}

}  // namespace

void leave_guarded(std::exception_ptr failure) {
  if (state.escape == nullptr) end_thread(failure);
  state.left = std::move(failure);
  siglongjmp(*state.escape, 1);
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
