// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "peal/base/source_place.h"

namespace peal {

// Folder wait/: how a rank blocks on a word of shared memory, and how Peal finds out that a wait is
// in vain. Read this file first; then watch.h and team_watch.h (failures, timeouts), deadlock.h
// (proof of a deadlock), signal_owner_state.h (single writers), call_history.h (unlike calls).

// The processor's spin-loop hint.
inline void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// The backoff of a wait for a word that another process changes: `pauses` loads with a spin hint
// in between (a tight loop would take the cache line from its writer again and again), then
// `yields` loads with sched_yield(), then futex sleeps. With more ranks than processors the first
// two phases are short.
struct WaitPolicy {
  int pauses = 1000;
  int yields = 100;
  double note_seconds = 60;  // a wait of this length is reported once, and goes on
  double timeout_seconds = 300;
  bool is_oversubscribed = false;  // more ranks than processors
  bool uses_membarrier = false;    // words may have a single writer: see store_and_wake()
};

// Returns the policy for `ranks` ranks on `processors` processors. The time limit is the
// environment's PEAL_TIMEOUT in seconds, by default 300. Throws Error if that is not a number
// above 0.
[[nodiscard]] WaitPolicy wait_policy(int ranks, int processors);

// What a wait is for: a count that only grows, which is the lower half of `value` + `stored`. Any
// process adds to `value` (add_and_wake); at most one process, the single writer, stores its own
// total in `stored` (store_and_wake). Bits 0 to 15 of `sleepers`, the futex word, count the waiters
// that sleep or are about to; bits 16 to 31 count wakeups, modulo 2^16, so that each wakeup changes
// the word. All three lie in one cache line.
//
// No wakeup is lost. The waiter and the notifier do these steps in program order:
//   W1  add 1 to `sleepers`               N1  change `value` or `stored`
//   W2  load `sleepers`: `seen`           N2  load `sleepers`
//   W3  load the sum; leave if it is      N3  if that counts a waiter: add a wakeup to
//       reached                               `sleepers`, FUTEX_WAKE
//   W4  FUTEX_WAIT unless `sleepers` is
//       no longer `seen`; go to W2
// Either W3 sees N1, and the waiter does not sleep, or N2 sees W1 and N3 follows. If N3 adds its
// wakeup before FUTEX_WAIT compares, the word differs from `seen` and the call returns at once;
// if after, the waiter is in the kernel's queue and FUTEX_WAKE finds it.
// What remains is "either W3 sees N1 or N2 sees W1", the store-buffering pattern (Dekker's): each
// side must make its own change visible before it loads the other's. See add_and_wake() and
// store_and_wake() for the notifier's side. On the waiter's side W1 is a seq_cst addition: on
// x86-64 it is a full barrier; on AArch64 its release, the seq_cst load W2 and the acquire of W2
// keep the loads of W3 behind it.
// This argues about the hardware and membarrier(2): C++20 alone does not give it, because W3 is an
// acquire load and N2 of store_and_wake() is relaxed. If all else fails, a sleep ends after 0.1 s
// and the loop looks again.
struct WaitWord {
  std::uint64_t& value;
  std::uint32_t& sleepers;
  std::uint64_t& stored;  // 0 as long as the word has no single writer
};

// The sum, with its upper bits (see stamped arrivals in machine/calls/call_record.h). The two loads
// are no snapshot, but both words only grow, so no arrival is counted that has not come. Acquire:
// what a notifier wrote before an arrival that the sum counts happens before the return. For
// `value` this holds for all who added, since read-modify-writes continue a release sequence.
[[nodiscard]] inline std::uint64_t sum(const WaitWord& word) {
  return std::atomic_ref(word.value).load(std::memory_order_acquire) +
         std::atomic_ref(word.stored).load(std::memory_order_acquire);
}
[[nodiscard]] inline std::uint32_t arrivals(const WaitWord& word) {
  return static_cast<std::uint32_t>(sum(word));
}
// True if the count has come to the target or past it; the difference is taken modulo 2^32, so that
// counts may wrap.
[[nodiscard]] inline bool has_reached(const WaitWord& word, std::uint32_t target) {
  return static_cast<std::int32_t>(arrivals(word) - target) >= 0;
}

[[nodiscard]] inline bool has_sleepers(std::uint32_t sleepers) { return sleepers % 0x10000 != 0; }

// Hooks of a wait that has outlasted its spinning: they end it when it is in vain, and supply the
// texts of its reports.
class WaitWatch {
 public:
  virtual ~WaitWatch() = default;
  // Called once per wait, before the first sched_yield().
  virtual void before_yields() {}
  // Called before every sleep, at least every 0.1 s; throws if the wait is in vain.
  virtual void before_sleep(const WaitWord& word, std::uint32_t target, SourcePlace place) = 0;
  // Reports a wait that has lasted note_seconds, by default as a Note; the wait goes on.
  virtual void tell(const std::string& note);
  // Whose wait this is, such as " of rank 2"; may be empty.
  [[nodiscard]] virtual std::string owner() const { return ""; }
  // The call that the wait is a part of, such as " in barrier (a.cpp:12)"; may be empty.
  [[nodiscard]] virtual std::string context() const { return ""; }
  // What the user should look at, naming the ranks that keep this one waiting if they are known.
  [[nodiscard]] virtual std::string advice() const { return "look for a rank that does not come"; }
  // Lines that say what the other ranks do; may be empty.
  [[nodiscard]] virtual std::string others() const { return ""; }
  // Records that the wait gives up after its time limit, and why. Returns the text to throw.
  [[nodiscard]] virtual std::string abort(const std::string& why) const { return why; }
  // Called at the end of a wait that got past its yields, also when it ends by an exception.
  virtual void after_sleeps() {}
};

// Waits until the word has reached the target. Throws what the watch throws, and RunError when
// policy.timeout_seconds have passed. `what` and `place` name the wait in reports.
void wait_until_reached(const WaitWord& word, std::uint32_t target, WaitWatch& watch,
                        const WaitPolicy& policy, const char* what, SourcePlace place);

// Waits as above, but sleeps at most once and for at most `most`. Returns true if the target was
// reached.
[[nodiscard]] bool wait_briefly(const WaitWord& word, std::uint32_t target,
                                const WaitPolicy& policy, std::chrono::nanoseconds most);

// Wakes all who sleep on this futex word (N3): each looks at its count again and, if it sleeps
// again, asks its watch before.
void wake(std::uint32_t& sleepers);

// Adds to the word (N1) and wakes its sleepers. Release: what the caller wrote before happens
// before the return of a wait that counts this addition.
void add_and_wake(const WaitWord& word, std::uint64_t value);

// True if membarrier(2) can issue a full barrier in all processes that have registered for it.
[[nodiscard]] bool can_use_membarrier();
// Registers this process as a target of such barriers. Required before its first store_and_wake().
// Throws RunError if the system refuses.
void register_for_membarrier();

// Stores the single writer's new total in `stored` (N1) and wakes the word's sleepers. Release, as
// add_and_wake(). Unlike an atomic addition, the store retires into the store buffer and need not
// wait for the cache line.
//
// No full barrier separates N1 from N2, so the processor may perform the load N2 before N1 is
// visible. The waiter makes up for it: between W1 and W2 it calls membarrier(2), which puts a full
// barrier into the instruction stream of every registered process at some point P before the call
// returns (a process that does not run has passed one when it was switched out). There are two
// cases:
//   N1 is before P: then N1 is visible when the call returns, and W3 sees it.
//   N1 is after P: then so is N2, which follows N1 in program order, and N2 sees W1, which precedes
//   the call.
// One call covers all sleeps of a wait, since W1 stays in effect until the wait ends. The fence in
// the code keeps the compiler from moving N2 before N1. Preconditions: this process has called
// register_for_membarrier(), and every waiter's policy has uses_membarrier.
inline void store_and_wake(const WaitWord& word, std::uint64_t value) {
  std::atomic_ref(word.stored).store(value, std::memory_order_release);  // N1
  std::atomic_signal_fence(std::memory_order_seq_cst);
  // N2
  if (has_sleepers(std::atomic_ref(word.sleepers).load(std::memory_order_relaxed))) {
    wake(word.sleepers);
  }
}

}  // namespace peal
