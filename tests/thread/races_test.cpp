// SPDX-License-Identifier: Apache-2.0
// Programs with one mistake, which the thread sanitizer has to report, and the same without it, of
// which it may say nothing: so it is known to see each way in which ranks touch memory of others.
#include <gtest/gtest.h>
#include <sched.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "peal/executors/shm/executor.h"
#include "peal/executors/shm/transfer/transfer.h"
#include "peal/kernels/args.h"
#include "peal/launch/platforms.h"

namespace peal {
namespace {

constexpr std::size_t count = 600;

// Brings ranks into an order in time by means that the sanitizer does not see, so that it sees
// none: two accesses at the very same moment it may miss.
class Luck {
 public:
  [[gnu::noinline, gnu::no_sanitize("thread")]] void pass_on() {
    __atomic_store_n(&is_passed_on_, true, __ATOMIC_RELEASE);
  }
  [[gnu::noinline, gnu::no_sanitize("thread")]] void wait() const {
    while (!__atomic_load_n(&is_passed_on_, __ATOMIC_ACQUIRE)) ::sched_yield();
  }

 private:
  bool is_passed_on_ = false;
};

// Two ranks and what they have: `data` in a window, and signals. What is shared is the memory of
// neither.
struct Ranks {
  Device& self;
  View data, other;
  SignalRow signals;
  std::span<std::int32_t> shared;
  Luck& luck;
  bool is_wrong = false;

  [[nodiscard]] bool is_first() const { return self.rank() == 0; }
  [[nodiscard]] Rank peer() const { return Rank{1 - self.rank()}; }
  // Rank 0 tells that it is done, and rank 1 waits for it; in a wrong program only by luck.
  void hand_over() const {
    if (is_first()) self.notify(peer(), signals[0]);
    if (!is_first() && !is_wrong) self.wait(signals[0]);
    come_by_luck();
  }
  // In a wrong program rank 1 goes on once rank 0 has come here.
  void come_by_luck() const {
    if (is_wrong && is_first()) luck.pass_on();
    if (is_wrong && !is_first()) luck.wait();
  }
  // A use by plain code.
  static void look_at(const View& view) {
    const volatile std::byte* const last = view.data + view.size_bytes() - 1;
    static_cast<void>(*last);
  }
};

void put(const Ranks& ranks) {
  if (ranks.is_first()) ranks.self.put(ranks.peer(), ranks.data, ranks.other);
  ranks.hand_over();
  if (!ranks.is_first()) ranks.look_at(ranks.data);
}

void small_put(const Ranks& ranks) {
  const View data = ranks.data.part(0, 3), other = ranks.other.part(0, 3);
  if (ranks.is_first()) ranks.self.put(ranks.peer(), data, other);
  ranks.hand_over();
  if (!ranks.is_first()) ranks.look_at(data);
}

void get(const Ranks& ranks) {
  if (ranks.is_first()) ranks.self.write(ranks.data)[77] = std::byte{1};
  ranks.hand_over();
  if (!ranks.is_first()) ranks.self.get(ranks.other, ranks.peer(), ranks.data);
}

// Rank 1 may go on only when rank 0 has read.
void get_before_a_write(const Ranks& ranks) {
  if (ranks.is_first()) ranks.self.get(ranks.other, ranks.peer(), ranks.data);
  ranks.hand_over();
  if (!ranks.is_first()) ranks.self.write(ranks.data)[count * 2] = std::byte{1};
}

void reduce_source(const Ranks& ranks) {
  if (ranks.is_first()) ranks.self.write(ranks.data).back() = std::byte{1};
  ranks.hand_over();
  if (ranks.is_first()) return;
  RankViews places;
  places.add({ranks.peer(), ranks.data});
  places.add({Rank{ranks.self.rank()}, ranks.data});
  ranks.self.reduce(ranks.other, places, ReduceOp::max);
}

void reduce_destination(const Ranks& ranks) {
  if (ranks.is_first()) {
    RankViews places;
    places.add({ranks.peer(), ranks.data});
    ranks.self.reduce(places, places, ReduceOp::sum);
  }
  ranks.hand_over();
  if (!ranks.is_first()) ranks.look_at(ranks.data);
}

void put_reduce(const Ranks& ranks) {
  if (ranks.is_first()) ranks.self.put_reduce(ranks.peer(), ranks.data, ranks.other, ReduceOp::sum);
  ranks.hand_over();
  if (!ranks.is_first()) ranks.self.write(ranks.data)[0] = std::byte{1};
}

void small_data(const Ranks& ranks) {
  const View slot = payload(ranks.signals[1], 4, DType::i32);
  if (ranks.is_first()) {
    ranks.self.put_notify(ranks.peer(), slot, ranks.other.part(0, 4), ranks.signals[1]);
  } else if (!ranks.is_wrong) {
    ranks.self.wait(ranks.signals[1]);
  }
  ranks.come_by_luck();
  if (!ranks.is_first()) ranks.look_at(slot);
}

// Rank 1 may put again only when rank 0 has taken what was there.
void put_before_taken(const Ranks& ranks) {
  const Packets place = ranks.self.allocate_packets("packets", 1)[0];
  const View data = ranks.data.part(0, 100);
  if (ranks.is_first()) {
    ranks.self.take_packets(data, place);
  } else {
    ranks.self.put_packets(ranks.peer(), place, data);
  }
  ranks.hand_over();
  if (!ranks.is_first()) ranks.self.put_packets(ranks.peer(), place, data);
}

void streaming_copy(const Ranks& ranks) {
  const std::span<std::byte> shared = std::as_writable_bytes(ranks.shared);
  if (ranks.is_first()) {
    copy_bytes(shared.data(), ranks.data.data, ranks.data.size_bytes(), Stores::streaming);
  }
  ranks.hand_over();
  if (!ranks.is_first()) ranks.shared[count / 2] = 1;
}

void streaming_reduction(const Ranks& ranks) {
  const std::array<std::byte*, 1> dsts = {std::as_writable_bytes(ranks.shared).data()};
  const std::array<const std::byte*, 2> srcs = {ranks.data.data, ranks.other.data};
  if (ranks.is_first()) {
    reduce_elements({.dsts = dsts,
                     .srcs = srcs,
                     .count = count,
                     .dtype = DType::i32,
                     .op = ReduceOp::sum,
                     .streamed = 1});
  }
  ranks.hand_over();
  if (!ranks.is_first()) ranks.shared[count / 2] = 1;
}

// A flush tells nobody anything.
void flush_instead_of_notify(const Ranks& ranks) {
  if (ranks.is_first()) ranks.shared[3] = 1;
  if (ranks.is_wrong) {
    ranks.self.flush();
    ranks.come_by_luck();
  } else {
    ranks.hand_over();
  }
  if (!ranks.is_first()) ranks.shared[3] = 2;
}

// The wrong one tells before it writes.
void notify_too_early(const Ranks& ranks) {
  if (ranks.is_first()) {
    if (!ranks.is_wrong) ranks.shared[3] = 1;
    ranks.self.notify(ranks.peer(), ranks.signals[0]);
    if (ranks.is_wrong) ranks.shared[3] = 1;
  } else {
    ranks.self.wait(ranks.signals[0]);
  }
  ranks.come_by_luck();
  if (!ranks.is_first()) ranks.shared[3] = 2;
}

struct Program {
  const char* name;
  void (*body)(const Ranks& ranks);
};

void PrintTo(const Program& program, std::ostream* to) { *to << program.name; }

class Races : public testing::TestWithParam<Program> {
 protected:
  // Another process makes the mistakes; it is started anew, as a process with threads cannot be
  // forked.
  static void SetUpTestSuite() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  static void run(bool is_wrong) {
    ShmExecutor executor(load_platform("host"), ShmExecutor::Ranks::threads);
    std::vector<std::int32_t> shared(count);
    Luck luck;
    executor.run(2,
                 [&](Team& team) {
                   GetParam().body({.self = team.device(),
                                    .data = team.allocate(count, DType::i32),
                                    .other = team.allocate(count, DType::i32),
                                    .signals = team.device().allocate_signals("signals", 2),
                                    .shared = shared,
                                    .luck = luck,
                                    .is_wrong = is_wrong});
                 },
                 {});
  }
};

INSTANTIATE_TEST_SUITE_P(
    Programs, Races,
    testing::Values(Program{"Put", put}, Program{"SmallPut", small_put}, Program{"Get", get},
                    Program{"GetBeforeAWrite", get_before_a_write},
                    Program{"ReduceSource", reduce_source},
                    Program{"ReduceDestination", reduce_destination},
                    Program{"PutReduce", put_reduce}, Program{"SmallData", small_data},
                    Program{"PutBeforeTaken", put_before_taken},
                    Program{"StreamingCopy", streaming_copy},
                    Program{"StreamingReduction", streaming_reduction},
                    Program{"FlushInsteadOfNotify", flush_instead_of_notify},
                    Program{"NotifyTooEarly", notify_too_early}),
    [](const testing::TestParamInfo<Program>& test) { return std::string(test.param.name); });

TEST_P(Races, AreReported) {
  constexpr int sanitizer_code = 66;
  EXPECT_EXIT(
      {
        run(true);
        std::exit(0);
      },
      testing::ExitedWithCode(sanitizer_code), "ThreadSanitizer: data race");
}

TEST_P(Races, AreNotSeenWhereThereAreNone) { run(false); }

}  // namespace
}  // namespace peal
