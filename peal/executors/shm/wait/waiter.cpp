// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/wait/waiter.h"

#include <fmt/format.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include "peal/base/error.h"
#include "peal/base/say.h"

namespace peal {
namespace {

// A sleeper looks after the dead at least that often.
constexpr long sleep_ns = 100'000'000;

constexpr std::uint32_t one_wake = 0x10000;

long membarrier(int command) { return ::syscall(SYS_membarrier, command, 0, 0); }

// Every process that posts has done what it had begun with: either it has seen that there is a
// sleeper, or its post can be seen here.
void order_single_writers(const WaitPolicy& policy) {
  if (policy.uses_membarrier) membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
}

// Returns when the sleepers are no longer as they were seen, after a while, or for no reason.
void sleep_on(std::uint32_t& sleepers, std::uint32_t seen, std::int64_t max_ns) {
  const timespec limit{.tv_sec = max_ns / 1'000'000'000, .tv_nsec = max_ns % 1'000'000'000};
  ::syscall(SYS_futex, &sleepers, FUTEX_WAIT, seen, &limit, nullptr, 0);
}

// Whether it is reached while the processor is kept or lent to others.
bool look(const WaitWord& word, std::uint32_t target, WaitWatch* watch, const WaitPolicy& policy) {
  for (int i = 0; i < policy.pauses; ++i) {
    if (has_reached(word, target)) return true;
    pause_briefly();
  }
  if (watch != nullptr) watch->before_yields();
  for (int i = 0; i < policy.yields; ++i) {
    if (has_reached(word, target)) return true;
    ::sched_yield();
  }
  return false;
}

// Counts a sleeper while it lives.
class Sleeper {
 public:
  explicit Sleeper(const WaitWord& word) : sleepers_(word.sleepers) { sleepers_.fetch_add(1); }
  ~Sleeper() { sleepers_.fetch_sub(1); }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

 private:
  std::atomic_ref<std::uint32_t> sleepers_;
};

}  // namespace

WaitPolicy wait_policy(int ranks, int processors) {
  WaitPolicy policy;
  if (ranks > processors) policy = {.pauses = 10, .yields = 10, .is_oversubscribed = true};
  if (const char* limit = std::getenv("PEAL_TIMEOUT"); limit != nullptr) {
    char* end = nullptr;
    policy.timeout_seconds = std::strtod(limit, &end);
    if (end == limit || *end != '\0' || !(policy.timeout_seconds > 0)) {
      throw Error(fmt::format("PEAL_TIMEOUT is `{}`; give a number of seconds above 0", limit));
    }
  }
  return policy;
}

void WaitWatch::tell(const std::string& note) { say("peal: note: {}\n", note); }

void wait_until_reached(const WaitWord& word, std::uint32_t target, WaitWatch& watch,
                        const WaitPolicy& policy, const char* what, SourcePlace place) {
  if (look(word, target, &watch, policy)) return;
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  const std::atomic_ref sleepers(word.sleepers);
  const Sleeper sleeper(word);
  order_single_writers(policy);
  const auto missing = [&] { return static_cast<std::int32_t>(target - arrivals(word)); };
  bool is_told = false;
  struct Watched {
    WaitWatch& watch;
    ~Watched() { watch.after_sleeps(); }
  } const watched{watch};
  for (;;) {
    // Whoever changes the word from here on wakes, and so changes this.
    const std::uint32_t seen = sleepers.load();
    if (missing() <= 0) return;
    watch.before_sleep(word, target, place);
    sleep_on(word.sleepers, seen, sleep_ns);
    const std::chrono::duration<double> waited = Clock::now() - begin;
    if (!is_told && waited.count() >= policy.note_seconds) {
      is_told = true;
      watch.tell(
          fmt::format("{}{} at {}:{}{} has waited {:.0f} s so far for {} more arrivals; {}{}", what,
                      watch.owner(), place.file, place.line, watch.context(), waited.count(),
                      missing(), watch.advice(), watch.others()));
    }
    if (waited.count() < policy.timeout_seconds) continue;
    throw RunError(watch.abort(fmt::format(
        "{}{} at {}:{}{} has waited {} s for {} more arrivals; {}, or raise PEAL_TIMEOUT{}", what,
        watch.owner(), place.file, place.line, watch.context(), policy.timeout_seconds, missing(),
        watch.advice(), watch.others())));
  }
}

bool wait_briefly(const WaitWord& word, std::uint32_t target, const WaitPolicy& policy,
                  std::chrono::nanoseconds most) {
  if (look(word, target, nullptr, policy)) return true;
  const Sleeper sleeper(word);
  order_single_writers(policy);
  const std::uint32_t seen = std::atomic_ref(word.sleepers).load();
  if (has_reached(word, target)) return true;
  if (most.count() > 0) sleep_on(word.sleepers, seen, most.count());
  return has_reached(word, target);
}

void wake(std::uint32_t& sleepers) {
  std::atomic_ref(sleepers).fetch_add(one_wake);
  ::syscall(SYS_futex, &sleepers, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void add_and_wake(const WaitWord& word, std::uint64_t value) {
  // Whoever counts himself among the sleepers looks at the word afterwards, and this looks at the
  // sleepers after it has changed the word: one of the two sees the other.
  std::atomic_ref(word.value).fetch_add(value);
  if (has_sleepers(std::atomic_ref(word.sleepers).load())) wake(word.sleepers);
}

bool can_use_membarrier() {
  constexpr long needed =
      MEMBARRIER_CMD_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED;
  const long known = membarrier(MEMBARRIER_CMD_QUERY);
  return known > 0 && (known & needed) == needed;
}

void register_for_membarrier() {
  if (membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) != 0) {
    throw RunError(
        fmt::format("shm: membarrier(2), which the starter of the ranks may use, is refused to a "
                    "rank: {}; let both have it, as in their seccomp filters",
                    std::strerror(errno)));
  }
}

}  // namespace peal
