// SPDX-License-Identifier: Apache-2.0
// The order that waits give against all schedules of small random programs, with signals in flight.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "tests/hand_made_run.h"

namespace peal {
namespace {

struct Step {
  enum class Kind : std::uint8_t { add, set, wait } kind{};
  int cell = 0;  // cell % ranks is the rank that it belongs to, and that waits for it
  int value = 0;
  WaitCmp cmp = WaitCmp::ge;
};
using Program = std::vector<std::vector<Step>>;  // of each rank

enum class Sort : std::uint8_t {
  grows,     // adds of positive values, waits for at least so much
  lowers,    // adds of both signs
  anything,  // Sets, and every comparison
};
enum class Arrival : std::uint8_t { in_order, any };

// A draw from a raw engine, the same with every standard library.
class Draws {
 public:
  explicit Draws(std::uint32_t seed) : engine_(seed) {}
  int below(int limit) { return static_cast<int>(engine_() % static_cast<std::uint32_t>(limit)); }
  bool one_in(int count) { return below(count) == 0; }
  template <std::size_t n>
  int of(const std::array<int, n>& values) {
    return values[static_cast<std::size_t>(below(n))];
  }

 private:
  std::mt19937 engine_;
};

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

Program draw(Draws& draws, Sort sort) {
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

std::string text_of(const Program& program) {
  std::string text;
  for (const std::vector<Step>& steps : program) {
    text += "[";
    for (const Step& step : steps) {
      if (step.kind == Step::Kind::wait) {
        text += fmt::format(" wait {} {} {};", step.cell, symbol(step.cmp), step.value);
      } else {
        text += fmt::format(" {} {} {};", step.kind == Step::Kind::add ? "add" : "set", step.cell,
                            step.value);
      }
    }
    text += " ] ";
  }
  return text;
}

// What has been done and what is in flight.
struct Stage {
  std::vector<std::uint8_t> at;                   // of each rank, its next step
  std::vector<std::int8_t> cells;                 // what each holds
  std::vector<std::vector<std::uint8_t>> flying;  // of each rank, steps whose signals are under way

  [[nodiscard]] std::string key() const {
    std::string key(at.begin(), at.end());
    key.append(cells.begin(), cells.end());
    for (const auto& own : flying) {
      key.append(own.begin(), own.end());
      key += '\xff';
    }
    return key;
  }
};

class Machine {
 public:
  Machine(const Program& program, Arrival arrival) : program_(program), arrival_(arrival) {}

  [[nodiscard]] Stage start() const {
    Stage state;
    state.at.assign(program_.size(), 0);
    state.cells.assign(2 * program_.size(), 0);
    state.flying.resize(program_.size());
    return state;
  }
  [[nodiscard]] const Step* next(const Stage& state, std::size_t rank) const {
    const std::vector<Step>& steps = program_[rank];
    return state.at[rank] < steps.size() ? &steps[state.at[rank]] : nullptr;
  }
  // A rank does not go on with its next step while signals are under way that it must not overtake.
  [[nodiscard]] bool can_go(const Stage& state, std::size_t rank) const {
    const Step* const step = next(state, rank);
    if (step == nullptr) return false;
    const std::vector<std::uint8_t>& flying = state.flying[rank];
    const bool has_own = std::any_of(flying.begin(), flying.end(), [&](std::uint8_t index) {
      return is_own(rank, program_[rank][index]);
    });
    if (has_own) return false;
    if (step->kind != Step::Kind::wait) return true;
    return holds(step->cmp, static_cast<std::uint32_t>(state.cells[cell(*step)]),
                 static_cast<std::uint32_t>(step->value));
  }
  void go(Stage& state, std::size_t rank) const {
    if (next(state, rank)->kind != Step::Kind::wait) state.flying[rank].push_back(state.at[rank]);
    ++state.at[rank];
  }
  [[nodiscard]] std::size_t can_arrive(const Stage& state, std::size_t rank) const {
    const std::size_t count = state.flying[rank].size();
    return arrival_ == Arrival::in_order ? std::min<std::size_t>(count, 1) : count;
  }
  void arrive(Stage& state, std::size_t rank, std::size_t which) const {
    std::vector<std::uint8_t>& flying = state.flying[rank];
    const Step& step = program_[rank][flying[which]];
    std::int8_t& held = state.cells[cell(step)];
    held = static_cast<std::int8_t>(step.kind == Step::Kind::add ? held + step.value : step.value);
    flying.erase(flying.begin() + static_cast<std::ptrdiff_t>(which));
  }
  [[nodiscard]] bool is_over(const Stage& state) const {
    for (std::size_t rank = 0; rank < program_.size(); ++rank) {
      if (next(state, rank) != nullptr) return false;
    }
    return true;
  }

 private:
  [[nodiscard]] static std::size_t cell(const Step& step) {
    return static_cast<std::size_t>(step.cell);
  }
  [[nodiscard]] bool is_own(std::size_t rank, const Step& step) const {
    return cell(step) % program_.size() == rank;
  }

  const Program& program_;
  Arrival arrival_;
};

using Where = std::pair<std::size_t, std::size_t>;  // rank, step

struct Truth {
  std::map<Where, std::vector<std::uint32_t>>
      before;             // each wait: of each rank, notifies for certain
  std::set<Where> stuck;  // waits at which a rank can stand for ever
};

std::uint32_t notifies(const std::vector<Step>& steps, std::size_t end) {
  return static_cast<std::uint32_t>(
      std::count_if(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(end),
                    [](const Step& step) { return step.kind != Step::Kind::wait; }));
}

// By all schedules; nothing if there are too many states.
std::optional<Truth> all_schedules(const Program& program, Arrival arrival) {
  constexpr std::size_t most_states = 8000;
  const Machine machine(program, arrival);
  Truth truth;
  std::vector<Stage> open = {machine.start()};
  std::unordered_set<std::string> seen = {open.front().key()};
  const auto reach = [&](Stage state) {
    if (seen.insert(state.key()).second) open.push_back(std::move(state));
  };
  while (!open.empty()) {
    if (seen.size() > most_states) return std::nullopt;
    const Stage state = std::move(open.back());
    open.pop_back();
    bool goes_on = false;
    for (std::size_t rank = 0; rank < program.size(); ++rank) {
      for (std::size_t i = 0; i < machine.can_arrive(state, rank); ++i) {
        Stage after = state;
        machine.arrive(after, rank, i);
        reach(std::move(after));
        goes_on = true;
      }
      if (!machine.can_go(state, rank)) continue;
      goes_on = true;
      if (machine.next(state, rank)->kind == Step::Kind::wait) {
        std::vector<std::uint32_t> done;
        for (std::size_t other = 0; other < program.size(); ++other) {
          done.push_back(other == rank ? 0 : notifies(program[other], state.at[other]));
        }
        const auto [known, is_new] = truth.before.try_emplace({rank, state.at[rank]}, done);
        for (std::size_t other = 0; other < program.size(); ++other) {
          known->second[other] = std::min(known->second[other], done[other]);
        }
      }
      Stage after = state;
      machine.go(after, rank);
      reach(std::move(after));
    }
    if (goes_on) continue;
    for (std::size_t rank = 0; rank < program.size(); ++rank) {
      if (machine.next(state, rank) != nullptr) truth.stuck.insert({rank, state.at[rank]});
    }
  }
  return truth;
}

// Runs it in one schedule; the waits in the order of the run, or nothing if it stands still.
std::optional<std::vector<Where>> carry_out(const Program& program, Arrival arrival, Draws draws,
                                            int batch, HandMadeRun& run) {
  const Machine machine(program, arrival);
  Stage state = machine.start();
  std::vector<Where> waits;
  for (int count = 1;; ++count) {
    std::vector<std::pair<std::size_t, std::ptrdiff_t>> choices;  // rank; which arrives, or -1
    for (std::size_t rank = 0; rank < program.size(); ++rank) {
      if (machine.can_go(state, rank)) choices.emplace_back(rank, -1);
      for (std::size_t i = 0; i < machine.can_arrive(state, rank); ++i) {
        choices.emplace_back(rank, static_cast<std::ptrdiff_t>(i));
      }
    }
    if (choices.empty()) break;
    const auto [rank, which] =
        choices[static_cast<std::size_t>(draws.below(static_cast<int>(choices.size())))];
    if (which >= 0) {
      machine.arrive(state, rank, static_cast<std::size_t>(which));
      continue;
    }
    const Step& step = *machine.next(state, rank);
    const int core = static_cast<int>(rank);
    if (step.kind == Step::Kind::wait) {
      run.wait(core, step.cell, static_cast<std::uint32_t>(step.value), step.cmp);
      waits.emplace_back(rank, state.at[rank]);
    } else {
      run.notify(core, step.cell, step.value,
                 step.kind == Step::Kind::set ? NotifyOp::set : NotifyOp::add);
    }
    machine.go(state, rank);
    if (count % batch == 0) run.settle(false);
  }
  if (!machine.is_over(state)) return std::nullopt;
  run.settle(true);
  return waits;
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
      const std::vector<std::uint32_t>& before = truth->before.at((*waits)[w]);
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
    const bool tells = !run.missed().empty() || run.may_lose_a_signal();
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
    for (const Sort sort : {Sort::grows, Sort::lowers, Sort::anything}) {
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
