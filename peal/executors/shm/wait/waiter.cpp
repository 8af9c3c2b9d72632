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
#include "peal/base/notes.h"

namespace peal {
namespace {

// The longest single sleep. A failure elsewhere wakes nobody, so a waiter notices it by looking at
// least this often.
constexpr long sleep_ns = 100'000'000;

constexpr std::uint32_t one_wake = 0x10000;  // in the upper half of `sleepers`

long membarrier(int command) { return ::syscall(SYS_membarrier, command, 0, 0); }

// Issues a full barrier in every process that may call store_and_wake(); the argument stands there.
void order_single_writers(const WaitPolicy& policy) {
  if (policy.uses_membarrier) membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
}

// Returns at once if `sleepers` is not `seen`; else when woken, after `max_ns`, or spuriously.
void sleep_on(std::uint32_t& sleepers, std::uint32_t seen, std::int64_t max_ns) {
  const timespec limit{.tv_sec = max_ns / 1'000'000'000, .tv_nsec = max_ns % 1'000'000'000};
  ::syscall(SYS_futex, &sleepers, FUTEX_WAIT, seen, &limit, nullptr, 0);
}

// The phases before sleeping: spins, then yields. Returns true if the target was reached.
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

// Counts one waiter in `sleepers` while this object lives: W1, and its reversal.
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
      throw UsageError(
          fmt::format("PEAL_TIMEOUT is `{}`; give a number of seconds above 0", limit));
    }
  }
  return policy;
}

void WaitWatch::tell(const std::string& note) { give_note({Note::Kind::notice, note}); }

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
    // W2 precedes W3: a notifier whose change W3 misses adds a wakeup, and so makes the futex word
    // differ from `seen`.
    const std::uint32_t seen = sleepers.load();  // W2
    if (missing() <= 0) return;                  // W3
    watch.before_sleep(word, target, place);
    sleep_on(word.sleepers, seen, sleep_ns);  // W4
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
  // N1 and N2 are both seq_cst, so N1 is visible before N2 loads.
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
