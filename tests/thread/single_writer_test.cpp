// SPDX-License-Identifier: Apache-2.0
// Cells to which one rank posts and others add, with more ranks than this host may have processors
// for.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <span>

#include "tests/thread/arena_ranks.h"

namespace peal {
namespace {

// Runs the ranks as threads, all of which post where they can.
void run_posting(int ranks, const WaitPolicy& policy, std::uint32_t signal_start,
                 const std::function<void(Device&)>& program) {
  if (!can_use_membarrier()) GTEST_SKIP() << "the system has no membarrier(2)";
  const ShmArena arena = ShmArena::make(ranks);
  arena.control().has_single_writers = true;
  run_ranks(arena, policy, signal_start, program);
}

// Every rank notifies one cell of every other one, and itself, and looks at what all have written.
void meet_often(Device& self, int rounds) {
  const int me = self.rank(), ranks = self.ranks();
  const View words = self.allocate("words", 64).view(0, 1, DType::i64);
  const SignalRow signals = self.allocate_signals("signals", 2);
  auto& word = *reinterpret_cast<std::int64_t*>(words.data);
  for (int round = 0; round < rounds; ++round) {
    word = round * ranks + me;
    const Signal signal = signals[round % 2];
    for (int peer = 0; peer < ranks; ++peer) self.notify(Rank{peer}, signal, 1 + peer % 2);
    self.wait(signal, ranks * (1 + me % 2));
    const int peer = (me + 1 + round) % ranks;
    std::int64_t theirs = 0;
    self.get(View::of(std::span(&theirs, 1)), Rank{peer}, words);
    ASSERT_EQ(theirs, round * ranks + peer);
    // Nobody may write again before all have looked.
    for (int other = 0; other < ranks; ++other) self.notify(Rank{other}, signals[1 - round % 2]);
    self.wait(signals[1 - round % 2], ranks);
  }
}

TEST(WriterCount, OneRankStoresAndTheOthersAdd) {
  for (int ranks : {1, 2, 3, 5}) {
    run_posting(ranks, {.pauses = 10, .yields = 10}, 0,
                [](Device& self) { meet_often(self, 300); });
  }
}

TEST(WriterCount, WakeWhoSleeps) {
  run_posting(4, {.pauses = 0, .yields = 0}, 0, [](Device& self) { meet_often(self, 500); });
}

TEST(WriterCount, CountsMayWrap) {
  run_posting(3, {.pauses = 1, .yields = 1}, UINT32_MAX - 100,
              [](Device& self) { meet_often(self, 300); });
}

}  // namespace
}  // namespace peal
