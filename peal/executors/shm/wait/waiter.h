// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "peal/base/source_place.h"

namespace peal {

// Lets a look at a line rest for a moment.
inline void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// How a rank waits for a word that another process changes: it looks with pauses, since looks
// without a break slow down who writes to the line; then lets others run between looks; then sleeps
// in the kernel. With more ranks than processors it sleeps sooner.
struct WaitPolicy {
  int pauses = 1000;
  int yields = 100;
  double note_seconds = 60;  // a wait that takes that long is told about, once
  double timeout_seconds = 300;
  bool is_oversubscribed = false;  // more ranks than processors
  bool uses_membarrier = false;    // there are words to which others post
};

// The policy for that many ranks on so many processors; the limit is $PEAL_TIMEOUT seconds, or 300.
// Throws Error for a limit that is no number above 0.
[[nodiscard]] WaitPolicy wait_policy(int ranks, int processors);

// A word that nobody posts to.
inline std::uint64_t no_single_writer = 0;

// What is waited for: the lower half of the sum of a word that anybody adds to and one that a
// single process stores. In the same cache line, the lower half of `sleepers` counts who sleeps,
// and the upper half how often they were woken.
struct WaitWord {
  std::uint64_t& value;
  std::uint32_t& sleepers;
  std::uint64_t& stored = no_single_writer;
};

// The whole sum; what was written before it came to that can be seen.
[[nodiscard]] inline std::uint64_t sum(const WaitWord& word) {
  return std::atomic_ref(word.value).load(std::memory_order_acquire) +
         std::atomic_ref(word.stored).load(std::memory_order_acquire);
}
[[nodiscard]] inline std::uint32_t arrivals(const WaitWord& word) {
  return static_cast<std::uint32_t>(sum(word));
}
// Whether the sum minus the target is not negative modulo 2^32.
[[nodiscard]] inline bool has_reached(const WaitWord& word, std::uint32_t target) {
  return static_cast<std::int32_t>(arrivals(word) - target) >= 0;
}

[[nodiscard]] inline bool has_sleepers(std::uint32_t sleepers) { return sleepers % 0x10000 != 0; }

// Looks after a wait that takes long.
class WaitWatch {
 public:
  virtual ~WaitWatch() = default;
  // Called when it is going to let others run.
  virtual void before_yields() {}
  // Called whenever the wait is about to sleep; throws where there is no use in that.
  virtual void before_sleep(const WaitWord& word, std::uint32_t target, SourcePlace place) = 0;
  // Tells about a wait that takes long, on stderr; it goes on.
  virtual void tell(const std::string& note);
  // Whose wait it is, such as " of rank 2", or nothing.
  [[nodiscard]] virtual std::string owner() const { return ""; }
  // What of the program's the wait is in, such as " in barrier (a.cpp:12)", or nothing.
  [[nodiscard]] virtual std::string context() const { return ""; }
  // Whom the wait is for, as far as it is known, as what to do about it.
  [[nodiscard]] virtual std::string advice() const { return "look for a rank that does not come"; }
  // Lines that say what the others do, or nothing.
  [[nodiscard]] virtual std::string others() const { return ""; }
  // Says that the wait is given up, and why; returns what is to be said of it.
  [[nodiscard]] virtual std::string abort(const std::string& why) const { return why; }
  // A wait that has been about to sleep is over.
  virtual void after_sleeps() {}
};

// Waits until the word has reached the target. Throws what the watch throws, and
// RunError when the time limit has passed.
void wait_until_reached(const WaitWord& word, std::uint32_t target, WaitWatch& watch,
                        const WaitPolicy& policy, const char* what, SourcePlace place);

// Waits for the same, but sleeps once at most, and not longer than `most`. Whether it was reached.
[[nodiscard]] bool wait_briefly(const WaitWord& word, std::uint32_t target,
                                const WaitPolicy& policy, std::chrono::nanoseconds most);

// Whoever sleeps on a word with these sleepers looks at it again, and asks its watch.
void wake(std::uint32_t& sleepers);

// Adds to the word; whoever sleeps on it wakes up. What was written before can be seen by those who
// see the sum.
void add_and_wake(const WaitWord& word, std::uint64_t value);

// Whether a process that is going to sleep can make all others order what they store and load, by
// membarrier(2).
[[nodiscard]] bool can_use_membarrier();
// Lets others do that to this process, which is needed before it posts.
void register_for_membarrier();

// Makes `stored` of the word `value`, as only one process may; whoever sleeps on it wakes up. What
// was written before can be seen by those who see the sum. It does not wait until the line is here,
// as an addition does: all who wait for such a word have a policy that orders posts.
inline void store_and_wake(const WaitWord& word, std::uint64_t value) {
  std::atomic_ref(word.stored).store(value, std::memory_order_release);
  // The processor may look at the sleepers before others see the store: see order_single_writers().
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (has_sleepers(std::atomic_ref(word.sleepers).load(std::memory_order_relaxed))) {
    wake(word.sleepers);
  }
}

}  // namespace peal
