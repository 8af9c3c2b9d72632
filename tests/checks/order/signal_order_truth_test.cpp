// SPDX-License-Identifier: Apache-2.0
// The order that waits and looks give against all schedules of small random programs, with signals
// in flight.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "peal/chip/polled_words.h"
#include "peal/search/looks_to_show.h"
#include "tests/support/hand_made_run.h"
#include "tests/support/small_programs.h"

namespace peal {
namespace {

using namespace small_programs;

// Rounds on a shared counter, of which now and then a notify or a wait is left out.
Program rounds(Draws& draws, Sort sort, int ranks) {
  Program program(static_cast<std::size_t>(ranks));
  const int count = 1 + draws.below(3), slack = draws.one_in(3) ? 1 : 0;
  const bool notifies_itself = draws.one_in(3);
  const bool counts_down = sort != Sort::grows && draws.one_in(2);
  const bool resets = sort == Sort::anything && !counts_down && draws.one_in(2);
  std::vector<int> amount;
  for (int rank = 0; rank < ranks; ++rank) amount.push_back(draws.one_in(4) ? 2 : 1);
  for (int round = 0; round < count; ++round) {
    for (int rank = 0; rank < ranks; ++rank) {
      std::vector<Step>& steps = program[static_cast<std::size_t>(rank)];
      const int own = amount[static_cast<std::size_t>(rank)];
      for (int d = notifies_itself ? 0 : 1; d < ranks; ++d) {
        if (draws.one_in(14)) continue;
        steps.push_back({Step::Kind::add, (rank + d) % ranks, own});
      }
      int all = 0;
      for (int other = 0; other < ranks; ++other) {
        if (notifies_itself || other != rank) all += amount[static_cast<std::size_t>(other)];
      }
      const int wanted = counts_down || resets ? all : all * (round + 1 - slack);
      if (!draws.one_in(14)) {
        const WaitCmp cmp = sort == Sort::anything && draws.one_in(6) ? WaitCmp::eq : WaitCmp::ge;
        steps.push_back({Step::Kind::wait, rank, std::max(1, wanted), cmp});
      }
      if (counts_down) steps.push_back({Step::Kind::add, rank, -all});
      if (resets) steps.push_back({Step::Kind::set, rank, 0});
    }
  }
  return program;
}

// Words that are stored, polled by whom they belong to, and now and then added to.
Program draw_polled(Draws& draws) {
  const int ranks = draws.of(std::array{2, 2, 3});
  Program program(static_cast<std::size_t>(ranks));
  const bool has_adds = draws.one_in(3);
  for (int rank = 0; rank < ranks; ++rank) {
    const int steps = 2 + draws.below(4);
    for (int i = 0; i < steps; ++i) {
      Step step;
      step.cell = draws.below(ranks);
      if (draws.below(5) < 3) {
        step.kind = has_adds && draws.one_in(2) ? Step::Kind::add : Step::Kind::store;
        step.value = draws.of(std::array{0, 1, 1, 2, 3});
      } else if (draws.one_in(4)) {
        step.kind = Step::Kind::add;  // of a signal
        step.cell += ranks;
        step.value = 1;
      } else {
        step.kind = draws.one_in(6) ? Step::Kind::wait : Step::Kind::poll;
        step.cmp = draws.of(std::array{WaitCmp::ge, WaitCmp::eq, WaitCmp::ne});
        step.value = draws.of(std::array{0, 1, 1, 2});
        step.cell = rank + (step.kind == Step::Kind::wait ? ranks : 0);
        if (step.kind == Step::Kind::poll &&
            holds(step.cmp, 0, static_cast<std::uint32_t>(step.value)) && draws.below(3) != 0) {
          continue;
        }
      }
      program[static_cast<std::size_t>(rank)].push_back(step);
    }
  }
  return program;
}

Program draw(Draws& draws, Sort sort) {
  if (sort == Sort::polled) return draw_polled(draws);
  const int ranks = draws.of(std::array{2, 3, 3, 3, 4});
  if (draws.below(5) < 2) return rounds(draws, sort, ranks);
  const int cells = ranks * (1 + draws.below(2));
  Program program(static_cast<std::size_t>(ranks));
  for (int rank = 0; rank < ranks; ++rank) {
    const int steps = 2 + draws.below(4);
    for (int i = 0; i < steps; ++i) {
      Step step;
      if (draws.below(5) < 3) {
        step.cell = draws.below(cells);
        const bool is_set = sort == Sort::anything && draws.one_in(4);
        step.kind = is_set ? Step::Kind::set : Step::Kind::add;
        step.value = draws.of(std::array{1, 1, 2, 3});
        if (is_set) step.value -= 1;
        if (!is_set && sort != Sort::grows && draws.one_in(3))
          step.value = -draws.of(std::array{1, 1, 2});
      } else {
        step.kind = Step::Kind::wait;
        step.cell = rank + ranks * draws.below(cells / ranks);
        step.value = 1 + draws.below(4);
        if (sort == Sort::anything && draws.one_in(2)) {
          step.cmp = static_cast<WaitCmp>(1 + draws.below(6));
          step.value -= 2;
        }
      }
      program[static_cast<std::size_t>(rank)].push_back(step);
    }
  }
  return program;
}

// A run of a program in one schedule. Looks are answered as in the simulator.
class OneSchedule {
 public:
  OneSchedule(const Program& program, Arrival arrival, HandMadeRun& run,
              const Looks& how = {.order = Looks::Order::oldest_first})
      : program_(program),
        machine_(program, arrival),
        stage_(machine_.start()),
        run_(run),
        words_(looks(how)),
        stores_(program.size()),
        begun_(program.size()),
        looked_(program.size()) {
    for (int cell = 0; cell < static_cast<int>(program.size()); ++cell) {
      words_.add_core();
      if (!is_polled(cell)) continue;
      word(cell).changes.push_back({});
      run.add_word(cell);
    }
  }

  // The waits in the order of the run, or nothing if it stands still.
  std::optional<std::vector<Where>> carry_out(Draws draws, int batch) {
    for (int count = 1;; ++count) {
      std::vector<std::pair<std::size_t, std::ptrdiff_t>> choices;  // rank; which arrives, or -1
      for (std::size_t rank = 0; rank < program_.size(); ++rank) {
        if (can_go(rank)) choices.emplace_back(rank, -1);
        for (std::size_t i = 0; i < machine_.can_arrive(stage_, rank); ++i) {
          choices.emplace_back(rank, static_cast<std::ptrdiff_t>(i));
        }
      }
      if (choices.empty()) {
        if (!release()) break;
        continue;
      }
      const auto [rank, which] =
          choices[static_cast<std::size_t>(draws.below(static_cast<int>(choices.size())))];
      if (which >= 0) {
        arrive(rank, static_cast<std::size_t>(which));
      } else {
        go(rank);
        if (count % batch == 0) run_.compute_order(false);
      }
    }
    if (!machine_.is_over(stage_)) return std::nullopt;
    run_.compute_order(true);
    return waits_;
  }

 private:
  // Polled words are the first of each rank, where a program polls any.
  [[nodiscard]] bool is_polled(int cell) const {
    return std::any_of(program_.begin(), program_.end(), [&](const std::vector<Step>& steps) {
      return std::any_of(steps.begin(), steps.end(), [&](const Step& step) {
        return step.cell == cell &&
               (step.kind == Step::Kind::poll || step.kind == Step::Kind::store);
      });
    });
  }
  [[nodiscard]] Looks looks(Looks looks) {
    for (int cell = 0; cell < static_cast<int>(program_.size()); ++cell) {
      if (is_polled(cell)) looks.words.push_back({reinterpret_cast<std::uint64_t>(&at(cell)), 4});
    }
    return looks;
  }
  [[nodiscard]] std::uint32_t& at(int cell) { return memory_[static_cast<std::size_t>(cell)]; }
  [[nodiscard]] PolledWords::Word& word(int cell) { return *words_.find(&at(cell), 4); }

  [[nodiscard]] bool can_go(std::size_t rank) {
    const Step* const step = machine_.next(stage_, rank);
    if (step == nullptr || step->kind != Step::Kind::poll) return machine_.can_go(stage_, rank);
    if (std::exchange(begun_[rank], 1) == 0) words_.begin_look(static_cast<int>(rank));
    return !machine_.has_own_flying(stage_, rank) &&
           words_.may_answer(static_cast<int>(rank), word(step->cell),
                             {.again = looked_[rank] != 0, .place = {}});
  }
  // At a deadlock, whoever is the next to find something new; false if there is nobody.
  [[nodiscard]] bool release() {
    for (std::size_t rank = 0; rank < program_.size(); ++rank) {
      const Step* const step = machine_.next(stage_, rank);
      if (step == nullptr || step->kind != Step::Kind::poll) continue;
      words_.park(static_cast<int>(rank), word(step->cell), looked_[rank] != 0);
    }
    const std::vector<int> released = words_.release();
    return std::any_of(released.begin(), released.end(),
                       [&](int core) { return !words_.goes_on_in_vain(core); });
  }
  void arrive(std::size_t rank, std::size_t which) {
    const Step& step = program_[rank][stage_.flight(rank, which)];
    machine_.arrive(stage_, rank, which);
    const auto store = stores_[rank].begin() + static_cast<std::ptrdiff_t>(which);
    at(step.cell) = static_cast<std::uint32_t>(stage_.cells[static_cast<std::size_t>(step.cell)]);
    words_.note_arrival(&at(step.cell), store->known);
    if (PolledWords::Word* const word = words_.find(&at(step.cell), 4)) {
      words_.add_change(*word, {.bits = static_cast<std::uint32_t>(step.value),
                                .is_sum = step.kind == Step::Kind::add,
                                .store = *store});
    }
    stores_[rank].erase(store);
  }
  void go(std::size_t rank) {
    const Step& step = *machine_.next(stage_, rank);
    const int core = static_cast<int>(rank);
    const auto value = static_cast<std::uint32_t>(step.value);
    const bool is_word = words_.find(&at(step.cell), 4) != nullptr;
    switch (step.kind) {
      case Step::Kind::poll: {
        PolledWords::Word& polled = word(step.cell);
        const bool again = std::exchange(looked_[rank], 1) != 0;
        const auto found =
            static_cast<std::uint32_t>(words_.answer(core, polled, {.again = again, .place = {}}));
        const bool ends = holds(step.cmp, found, value);
        run_.look(core, step.cell, found, again, ends);
        if (!ends) return;
        looked_[rank] = begun_[rank] = 0;
        waits_.emplace_back(rank, stage_.at[rank]);
        break;
      }
      case Step::Kind::wait:
        words_.note_wait(core, &at(step.cell));
        run_.wait(core, step.cell, value, step.cmp);
        waits_.emplace_back(rank, stage_.at[rank]);
        break;
      case Step::Kind::store: {
        const PolledWords::Store store = words_.begin_store(core, Pipe::scalar);
        run_.store_word(core, step.cell, step.value);
        at(step.cell) = value;
        words_.add_change(word(step.cell), {.bits = value, .store = store});
        break;
      }
      case Step::Kind::add:
      case Step::Kind::set: {
        PolledWords::Store store;
        if (is_word) store = words_.begin_store(core, Pipe::scalar);
        store.known = words_.knowledge(core);
        stores_[rank].push_back(std::move(store));
        run_.notify(core, step.cell, step.value,
                    step.kind == Step::Kind::set ? NotifyOp::set : NotifyOp::add);
        break;
      }
    }
    machine_.go(stage_, rank);
  }

  const Program& program_;
  Machine machine_;
  Stage stage_;
  HandMadeRun& run_;
  std::array<std::uint32_t, 16> memory_{};
  PolledWords words_;
  std::vector<std::vector<PolledWords::Store>> stores_;  // of signals under way, of each rank
  std::vector<char> begun_;                              // whether each rank has come to a look
  std::vector<char> looked_;                             // and is in a loop of them
  std::vector<Where> waits_;
};

std::optional<std::vector<Where>> carry_out(const Program& program, Arrival arrival, Draws draws,
                                            int batch, HandMadeRun& run) {
  return OneSchedule(program, arrival, run).carry_out(std::move(draws), batch);
}

// Whether runs that show looks what else they can find tell that the program can stand still, or
// leave it open.
bool is_told(const Program& program, Arrival arrival, std::uint32_t seed,
             const HandMadeRun& first) {
  LooksToShow to_show(first.looks());
  while (to_show.has_next()) {
    Looks how;
    to_show.set_next(how);
    HandMadeRun run(static_cast<int>(program.size()), 0, arrival == Arrival::in_order);
    run.keep_all_looks();
    if (!OneSchedule(program, arrival, run, how).carry_out(Draws(seed), INT32_MAX)) return true;
    to_show.note_shown(run.looks());
  }
  return !to_show.looks().empty() || first.is_undecided();
}

struct Tally {
  int programs = 0, equal = 0, batched = 0;
  int can_stand_still = 0, told = 0, missed_in_vain = 0;
};

// Claims of programs with these seeds against the truth.
Tally compare(Sort sort, Arrival arrival, std::uint32_t first_seed, int count) {
  Tally tally;
  for (std::uint32_t seed = first_seed; tally.programs < count; ++seed) {
    Draws draws(seed);
    const Program program = draw(draws, sort);
    const auto ranks = static_cast<int>(program.size());
    HandMadeRun run(ranks, 0, arrival == Arrival::in_order);
    const auto waits = carry_out(program, arrival, Draws(seed), INT32_MAX, run);
    if (!waits || waits->empty()) continue;
    const std::optional<Truth> truth = all_schedules(program, arrival);
    if (!truth) continue;
    ++tally.programs;
    bool is_equal = true;
    for (std::size_t w = 0; w < waits->size(); ++w) {
      const std::vector<std::uint32_t>& known = run.row(w);
      const auto& before = truth->before.at((*waits)[w]);
      for (std::size_t rank = 0; rank < program.size(); ++rank) {
        EXPECT_LE(known[rank], before[rank])
            << "seed " << seed << ": " << text_of(program) << "\nwait " << (*waits)[w].second
            << " of rank " << (*waits)[w].first << " and rank " << rank;
        is_equal = is_equal && known[rank] == before[rank];
      }
    }
    tally.equal += is_equal ? 1 : 0;
    if (sort == Sort::grows) {
      EXPECT_TRUE(is_equal) << "seed " << seed << ": " << text_of(program);
    }
    if (!truth->stuck.empty()) ++tally.can_stand_still;
    const bool tells = !run.missed().empty() || run.may_lose_a_signal() ||
                       (sort == Sort::polled && is_told(program, arrival, seed, run));
    if (!truth->stuck.empty() && tells) ++tally.told;
    // A Set that what others send later overtakes is not looked for.
    const bool may_be_overtaken = sort == Sort::anything && arrival == Arrival::any;
    if (!truth->stuck.empty() && !may_be_overtaken) {
      EXPECT_TRUE(tells) << "seed " << seed << ": " << text_of(program);
    }
    if (truth->stuck.empty() && !run.missed().empty()) ++tally.missed_in_vain;
    if (::testing::Test::HasFailure()) break;
    HandMadeRun batched(ranks, 0, arrival == Arrival::in_order);
    carry_out(program, arrival, Draws(seed), 1 + static_cast<int>(seed % 5), batched);
    if (batched.has_assumed_wrongly()) continue;  // one batch decides
    ++tally.batched;
    for (std::size_t w = 0; w < waits->size(); ++w) {
      EXPECT_EQ(batched.row(w), run.row(w)) << "seed " << seed << ": " << text_of(program);
    }
    EXPECT_EQ(batched.missed(), run.missed()) << "seed " << seed << ": " << text_of(program);
    EXPECT_EQ(batched.vacuous(), run.vacuous()) << "seed " << seed << ": " << text_of(program);
    if (::testing::Test::HasFailure()) break;
  }
  return tally;
}

void compare_all(int count) {
  for (const Arrival arrival : {Arrival::in_order, Arrival::any}) {
    for (const Sort sort : {Sort::grows, Sort::lowers, Sort::anything, Sort::polled}) {
      SCOPED_TRACE(
          fmt::format("sort {}, arrival {}", static_cast<int>(sort), static_cast<int>(arrival)));
      const Tally tally = compare(sort, arrival, 1, count);
      ::testing::Test::RecordProperty(
          fmt::format("sort {} arrival {}", static_cast<int>(sort), static_cast<int>(arrival)),
          fmt::format("{} programs, order complete in {}; {} can stand still, told of "
                      "{} and {} others",
                      tally.programs, tally.equal, tally.can_stand_still, tally.told,
                      tally.missed_in_vain));
      EXPECT_EQ(tally.programs, count);
      EXPECT_GT(tally.equal, count * 9 / 10);
      EXPECT_GT(tally.batched, count / 4);
    }
  }
}

TEST(SignalOrderTruth, RandomProgramsInAllSchedules) { compare_all(150); }

TEST(LongSignalOrderTruth, RandomProgramsInAllSchedules) { compare_all(10000); }

}  // namespace
}  // namespace peal
