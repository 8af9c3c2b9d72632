// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "peal/base/source_place.h"

namespace peal {

// How a rank waits for a word that another process changes: it looks without a break, then with
// pauses, then lets others run between looks, then sleeps in the kernel. With more ranks than
// processors it sleeps sooner.
struct WaitPolicy {
  int looks = 100;
  int pauses = 1000;
  int yields = 100;
  double note_seconds = 60;  // a wait that takes that long is told about, once
  double timeout_seconds = 300;
  bool is_oversubscribed = false;  // more ranks than processors
};

// The processors that this process may use: by its affinity mask and its group's quota.
[[nodiscard]] int usable_processors();
// The policy for that many ranks on this host; the limit is $PEAL_TIMEOUT seconds, or 300. Throws
// Error for a limit that is no number above 0.
[[nodiscard]] WaitPolicy wait_policy(int ranks);

// A word that is waited for: `sleepers`, in the same cache line, counts who sleeps.
struct WaitWord {
  std::uint32_t& value;
  std::uint32_t& sleepers;
};

// Whether `value - target` is not negative modulo 2^32; if so, what was written before the value
// came to that can be seen.
[[nodiscard]] inline bool has_reached(const std::uint32_t& value, std::uint32_t target) {
  const std::uint32_t seen =
      std::atomic_ref(const_cast<std::uint32_t&>(value)).load(std::memory_order_acquire);
  return static_cast<std::int32_t>(seen - target) >= 0;
}

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
  // A wait that has been about to sleep is over.
  virtual void after_sleeps() {}
};

// Waits until `value - target` is not negative modulo 2^32. Throws what the watch throws, and
// RunError when the time limit has passed.
void wait_until_reached(const WaitWord& word, std::uint32_t target, WaitWatch& watch,
                        const WaitPolicy& policy, const char* what, SourcePlace place);

// Waits for the same, but sleeps once at most, and not longer than `most`. Whether it was reached.
[[nodiscard]] bool wait_briefly(const WaitWord& word, std::uint32_t target,
                                const WaitPolicy& policy, std::chrono::nanoseconds most);

// Whoever sleeps on the word looks at it again, and asks its watch.
void wake(std::uint32_t& value);

// Adds to the word; whoever sleeps on it wakes up. What was written before can be seen by those who
// see the sum.
void add_and_wake(const WaitWord& word, std::uint32_t value);

}  // namespace peal
