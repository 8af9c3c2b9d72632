// SPDX-License-Identifier: Apache-2.0
// The order that waits give, on runs made by hand and on all schedules of small random programs.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <set>
#include <utility>
#include <vector>

#include "tests/support/hand_made_run.h"

namespace peal {
namespace {

TEST(SignalOrder, AWaitIsAfterTheOneNotifyThatCanSatisfyIt) {
  HandMadeRun run(2);
  const auto n = run.notify(0, 0);
  const auto w = run.wait(1, 0, 1);
  run.compute_order(true);
  EXPECT_TRUE(run.is_ordered(n, w));
  EXPECT_FALSE(run.is_vacuous(w));
}

// Two rounds on one cell; thresholds of 1 and 1, or of 1 and 2.
TEST(SignalOrder, AStaleSignalOrdersNothing) {
  for (const std::uint32_t second : {1u, 2u}) {
    HandMadeRun run(2);
    std::size_t n = 0, w = 0;
    for (const std::uint32_t threshold : {1u, second}) {
      run.notify(0, 1);
      n = run.notify(1, 0);
      w = run.wait(0, 0, threshold);
      run.wait(1, 1, threshold);
    }
    run.compute_order(true);
    EXPECT_EQ(run.is_ordered(n, w), second == 2);
    EXPECT_EQ(run.is_vacuous(w), second == 1);
  }
}

TEST(SignalOrder, AGatherIsAfterAllOfItsNotifiersOrNone) {
  for (const std::uint32_t threshold : {2u, 3u}) {
    HandMadeRun run(4);
    for (int core = 1; core < 4; ++core) run.notify(core, 0);
    const auto w = run.wait(0, 0, threshold);
    run.compute_order(true);
    for (std::size_t n = 0; n < 3; ++n) EXPECT_EQ(run.is_ordered(n, w), threshold == 3);
    EXPECT_FALSE(run.is_vacuous(w));  // two of the three have come
  }
}

// Two rounds of two notifiers on one cell. One of them may be a round ahead, unless the waiter
// tells them to go on.
TEST(SignalOrder, ANotifierThatMayBeAheadTakesTheOrderAway) {
  for (const bool are_told : {true, false}) {
    HandMadeRun run(3);
    const auto first = run.notify(1, 0), other = run.notify(2, 0);
    const auto w = run.wait(0, 0, 2);
    for (int core : {1, 2}) {
      if (are_told) {
        run.notify(0, core);
        run.wait(core, core, 1);
      }
    }
    for (int core : {1, 2}) run.notify(core, 0);
    const auto last = run.wait(0, 0, 4);
    run.compute_order(true);
    EXPECT_EQ(run.is_ordered(first, w), are_told);
    EXPECT_EQ(run.is_ordered(other, w), are_told);
    EXPECT_TRUE(run.is_ordered(first, last) && run.is_ordered(other, last));
  }
}

TEST(SignalOrder, SetsCountAsTheirMaximum) {
  HandMadeRun run(3);
  const auto less = run.notify(1, 0, 3, NotifyOp::set);
  const auto more = run.notify(2, 0, 5, NotifyOp::set);
  const auto w = run.wait(0, 0, 4);
  const auto either = run.wait(0, 0, 2);
  run.compute_order(true);
  EXPECT_TRUE(run.is_ordered(more, w));
  EXPECT_FALSE(run.is_ordered(less, w));
  EXPECT_TRUE(run.is_ordered(more, either));  // because of the wait before it
  EXPECT_TRUE(run.is_vacuous(either));
}

// The second round starts with a reset, or goes on counting from the first.
TEST(SignalOrder, AResetBeforeTheWaitErasesWhatCameBeforeIt) {
  for (const bool is_reset : {true, false}) {
    HandMadeRun run(2);
    run.notify(1, 0);
    run.wait(0, 0, 1);
    if (is_reset) run.store(0, 0, 0);
    run.notify(0, 1);
    run.wait(1, 1, 1);
    const auto n = run.notify(1, 0);
    const auto w = run.wait(0, 0, 1);
    run.compute_order(true);
    EXPECT_EQ(run.is_ordered(n, w), is_reset);
  }
}

// A wait for equality is ordered by what it needs; more may come, unless the waiter holds it back.
TEST(SignalOrder, AWaitForEqualityMayMissASetThatIsReplaced) {
  HandMadeRun run(2);
  run.notify(1, 0, 1, NotifyOp::set);
  run.wait(0, 0, 1, WaitCmp::eq);
  run.notify(1, 0, 2, NotifyOp::set);
  run.compute_order(true);
  EXPECT_TRUE(run.can_be_missed());
}

TEST(SignalOrder, WhatIsTakenOffBeforeAWaitForEqualityCannotCarryItPast) {
  HandMadeRun run(2);
  run.notify(1, 0, 3);
  run.wait(0, 0, 3);
  run.notify(0, 0, -3);
  run.wait(0, 0, 0, WaitCmp::eq);
  run.compute_order(true);
  EXPECT_FALSE(run.can_be_missed());
}

TEST(SignalOrder, AWaitForEqualityMayBeOvershot) {
  for (const bool is_held_back : {true, false}) {
    HandMadeRun run(2);
    const auto n = run.notify(1, 0);
    const auto w = run.wait(0, 0, 1, WaitCmp::eq);
    if (is_held_back) {
      run.notify(0, 1);
      run.wait(1, 1, 1);
    }
    run.notify(1, 0);
    run.compute_order(true);
    EXPECT_TRUE(run.is_ordered(n, w));
    if (!is_held_back) {
      EXPECT_TRUE(run.can_be_missed());
    }
  }
}

TEST(SignalOrder, MoreThanIsAtLeastOneMore) {
  HandMadeRun run(2);
  run.notify(1, 0);
  const auto n = run.notify(1, 0);
  const auto w = run.wait(0, 0, 1, WaitCmp::gt);
  run.compute_order(true);
  EXPECT_TRUE(run.is_ordered(n, w));
}

TEST(SignalOrder, CountersWrap) {
  HandMadeRun run(3, 0xffffffff);
  const auto n = run.notify(1, 0), other = run.notify(2, 0);
  const auto w = run.wait(0, 0, 0, WaitCmp::reached);
  const auto last = run.wait(0, 0, 1, WaitCmp::reached);
  run.compute_order(true);
  EXPECT_FALSE(run.is_ordered(n, w) || run.is_ordered(other, w));
  EXPECT_TRUE(run.is_ordered(n, last) && run.is_ordered(other, last));
}

// Every core notifies the next one and waits for the one before it; in small batches or in one.
TEST(SignalOrder, RoundsOfARingFormAChain) {
  constexpr int cores = 3, rounds = 40;
  for (const int rounds_of_a_batch : {1, 7, rounds}) {
    HandMadeRun run(cores, 0xfffffff0);
    for (int round = 1; round <= rounds; ++round) {
      for (int core = 0; core < cores; ++core) run.notify(core, (core + 1) % cores);
      for (int core = 0; core < cores; ++core) {
        run.wait(core, core, 0xfffffff0 + static_cast<std::uint32_t>(round), WaitCmp::reached);
      }
      if (round % rounds_of_a_batch == 0) run.compute_order(round == rounds);
    }
    if (rounds % rounds_of_a_batch != 0) run.compute_order(true);
    EXPECT_EQ(run.final_count(), static_cast<std::size_t>(cores * rounds));
    for (std::size_t round = 0; round < rounds; ++round) {
      for (std::size_t core = 0; core < cores; ++core) {
        const std::size_t w = round * cores + core, left = (core + cores - 1) % cores;
        EXPECT_TRUE(run.is_ordered(round * cores + left, w));
        EXPECT_FALSE(round + 1 < rounds && run.is_ordered((round + 1) * cores + left, w));
        // What comes from two ranks away has passed through the one between.
        const std::size_t far = (left + cores - 1) % cores;
        EXPECT_EQ(run.is_ordered(round * cores + far, w), false);
        EXPECT_TRUE(round == 0 || run.is_ordered((round - 1) * cores + far, w));
      }
    }
  }
}

// A notify that one core has not heard of, older than what the rows of its core are kept for.
TEST(SignalOrder, ANotifyMayBeOlderThanTheRowsThatAreKept) {
  constexpr int rounds = 600;
  HandMadeRun run(3);
  const auto old = run.notify(1, 0);
  for (int round = 0; round < rounds; ++round) {
    run.notify(2, 1);
    run.notify(2, 2);
  }
  for (int round = 1; round <= rounds; ++round) {
    run.wait(1, 1, static_cast<std::uint32_t>(round));
    run.wait(0, 2, static_cast<std::uint32_t>(round));
  }
  run.notify(1, 3);  // both have come so far
  run.notify(0, 4);
  run.wait(2, 3, 1);
  run.wait(2, 4, 1);
  run.compute_order(false);
  EXPECT_GE(run.final_count(), static_cast<std::size_t>(2 * rounds));
  const auto w = run.wait(0, 0, 1);
  run.compute_order(true);
  EXPECT_TRUE(run.is_ordered(old, w));
}

constexpr int program_cores = 3;

struct Op {
  bool is_wait = false;
  int cell = 0;
  int value = 0;  // added, or waited for
};
using Position = std::array<std::size_t, program_cores>;  // of each core: what it does next

// A program of notifies and waits. Cells only grow, so what can be done at all is the same in every
// schedule.
struct SmallProgram {
  std::array<std::vector<Op>, program_cores> ops;

  enum class Notifiers : bool { any, one_for_each_cell };
  explicit SmallProgram(const std::vector<std::uint32_t>& choices,
                        Notifiers notifiers = Notifiers::any) {
    for (std::size_t i = 0; i < choices.size() && i < 24; ++i) {
      const std::uint32_t bits = choices[i], core = bits % program_cores;
      const bool is_wait = bits / 3 % 2 == 0;
      const bool is_own = !is_wait && notifiers == Notifiers::one_for_each_cell;
      ops[core].push_back({.is_wait = is_wait,
                           .cell = static_cast<int>(is_own ? core : bits / 6 % 3),
                           .value = 1 + static_cast<int>(bits / 18 % 3)});
    }
  }
  [[nodiscard]] bool can_go(const Position& position, std::size_t core) const {
    if (position[core] == ops[core].size()) return false;
    const Op& next = ops[core][position[core]];
    if (!next.is_wait) return true;
    int held = 0;
    for (std::size_t other = 0; other < program_cores; ++other) {
      for (std::size_t i = 0; i < position[other]; ++i) {
        const Op& done = ops[other][i];
        if (!done.is_wait && done.cell == next.cell) held += done.value;
      }
    }
    return held >= next.value;
  }
  // Every position that some schedule comes to.
  [[nodiscard]] std::set<Position> reachable() const {
    std::set<Position> seen;
    std::vector<Position> next = {Position{}};
    while (!next.empty()) {
      const Position position = next.back();
      next.pop_back();
      if (!seen.insert(position).second) continue;
      for (std::size_t core = 0; core < program_cores; ++core) {
        if (!can_go(position, core)) continue;
        next.push_back(position);
        ++next.back()[core];
      }
    }
    return seen;
  }
};

using Where = std::pair<std::size_t, std::size_t>;  // core, number there

struct Numbered {
  std::vector<Where> notifies, waits;  // of a run, by their numbers
};

// One schedule of it, drawn by `draws`, and then `at_the_end`; its order is worked out after each
// `batch` steps.
Numbered carry_out(
    const SmallProgram& program, const std::vector<std::uint32_t>& draws, std::size_t batch,
    HandMadeRun& run, void (*at_the_end)(HandMadeRun&) = [](HandMadeRun&) {}) {
  Numbered numbered;
  Position position{};
  for (std::size_t step = 0;; ++step) {
    std::vector<std::size_t> enabled;
    for (std::size_t core = 0; core < program_cores; ++core) {
      if (program.can_go(position, core)) enabled.push_back(core);
    }
    if (enabled.empty()) break;
    const std::size_t drawn = draws.empty() ? 0 : draws[step % draws.size()] / 7;
    const std::size_t core = enabled[drawn % enabled.size()];
    const Op& op = program.ops[core][position[core]];
    const auto number = static_cast<int>(core);
    if (op.is_wait) {
      run.wait(number, op.cell, static_cast<std::uint32_t>(op.value));
      numbered.waits.emplace_back(core, position[core]);
    } else {
      run.notify(number, op.cell, op.value);
      numbered.notifies.emplace_back(core, position[core]);
    }
    ++position[core];
    if ((step + 1) % batch == 0) run.compute_order(false);
  }
  at_the_end(run);
  run.compute_order(true);
  return numbered;
}

using Choices = std::vector<std::uint32_t>;

// Whether some schedule passes the wait before it issues the notify.
bool may_pass_before(const std::set<Position>& reachable, const Where& wait, const Where& notify) {
  return std::any_of(reachable.begin(), reachable.end(), [&](const Position& position) {
    return position[wait.first] > wait.second && position[notify.first] <= notify.second;
  });
}

RC_GTEST_PROP(SignalOrder, WhatIsClaimedHoldsInEverySchedule,
              (const Choices& choices, const Choices& draws)) {
  const SmallProgram program(choices);
  HandMadeRun run(program_cores);
  const Numbered numbered = carry_out(program, draws, SIZE_MAX, run);
  const std::set<Position> reachable = program.reachable();
  for (const auto& [n, w] : run.ordered()) {
    RC_ASSERT(!may_pass_before(reachable, numbered.waits[w], numbered.notifies[n]));
  }
}

// What is in every schedule is also claimed; signal_order_truth_test.cpp has cells of many
// notifiers.
RC_GTEST_PROP(SignalOrder, WhatHoldsInEveryScheduleIsClaimedIfCellsHaveOneNotifier,
              (const Choices& choices, const Choices& draws)) {
  const SmallProgram program(choices, SmallProgram::Notifiers::one_for_each_cell);
  HandMadeRun run(program_cores);
  const Numbered numbered = carry_out(program, draws, SIZE_MAX, run);
  const std::set<Position> reachable = program.reachable();
  for (std::size_t w = 0; w < numbered.waits.size(); ++w) {
    for (std::size_t n = 0; n < numbered.notifies.size(); ++n) {
      if (numbered.waits[w].first == numbered.notifies[n].first) continue;
      RC_ASSERT(run.is_ordered(n, w) ||
                may_pass_before(reachable, numbered.waits[w], numbered.notifies[n]));
    }
  }
}

// Somebody who may take from every cell at any time, after all that counts, changes nothing but the
// way in which the order is worked out.
RC_GTEST_PROP(SignalOrder, CellsThatMayShrinkFollowTheSameRule,
              (const Choices& choices, const Choices& draws)) {
  const SmallProgram program(choices);
  HandMadeRun growing(program_cores), shrinking(program_cores + 1);
  carry_out(program, draws, SIZE_MAX, growing);
  carry_out(program, draws, SIZE_MAX, shrinking, [](HandMadeRun& run) {
    for (int cell = 0; cell < 3; ++cell) run.notify(program_cores, cell, -1);
  });
  RC_ASSERT(growing.ordered() == shrinking.ordered());
}

// All that is found in one batch is found in small ones. They may find more: what could only have
// been satisfied by way of a wait that is already final is no alternative to them.
RC_GTEST_PROP(SignalOrder, SmallBatchesFindTheSameOrder,
              (const Choices& choices, const Choices& draws, std::uint8_t size)) {
  const SmallProgram program(choices);
  HandMadeRun whole(program_cores), batched(program_cores);
  carry_out(program, draws, SIZE_MAX, whole);
  const Numbered numbered = carry_out(program, draws, 1 + size % 8, batched);
  if (batched.has_assumed_wrongly()) return;  // one batch decides
  RC_ASSERT(batched.final_count() == numbered.waits.size());
  RC_ASSERT(std::includes(batched.ordered().begin(), batched.ordered().end(),
                          whole.ordered().begin(), whole.ordered().end()));
  const std::set<Position> reachable = program.reachable();
  for (const auto& [n, w] : batched.ordered()) {
    if (whole.is_ordered(n, w)) continue;
    RC_ASSERT(!may_pass_before(reachable, numbered.waits[w], numbered.notifies[n]));
  }
}

}  // namespace
}  // namespace peal
