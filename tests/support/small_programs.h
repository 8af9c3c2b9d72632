// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

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

#include "peal/machine/signal.h"

// Small programs of signals and polled words, and all their schedules.

namespace peal::small_programs {

struct Step {
  enum class Kind : std::uint8_t { add, set, store, wait, poll } kind{};
  int cell = 0;  // cell % ranks is the rank that it belongs to, and that waits for it or polls it
  int value = 0;
  WaitCmp cmp = WaitCmp::ge;

  [[nodiscard]] bool is_wait() const { return kind == Kind::wait || kind == Kind::poll; }
};
using Program = std::vector<std::vector<Step>>;  // of each rank

enum class Sort : std::uint8_t {
  grows,     // adds of positive values, waits for at least so much
  lowers,    // adds of both signs
  anything,  // Sets, and every comparison
  polled,    // words that are stored, polled, and now and then added to
};
enum class Arrival : std::uint8_t { in_order, any };

// A draw from a raw engine, the same with every standard library.
class Draws {
 public:
  explicit Draws(std::uint32_t seed) : engine_(seed) {}
  int below(int limit) { return static_cast<int>(engine_() % static_cast<std::uint32_t>(limit)); }
  bool one_in(int count) { return below(count) == 0; }
  template <class T, std::size_t n>
  T of(const std::array<T, n>& values) {
    return values[static_cast<std::size_t>(below(n))];
  }

 private:
  std::mt19937 engine_;
};

inline std::string text_of(const Program& program) {
  std::string text;
  for (const std::vector<Step>& steps : program) {
    text += "[";
    for (const Step& step : steps) {
      constexpr const char* names[] = {"add", "set", "store", "wait", "poll"};
      text += fmt::format(" {} {} {}{};", names[static_cast<int>(step.kind)], step.cell,
                          step.is_wait() ? symbol(step.cmp) : "", step.value);
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
    if (step->kind == Step::Kind::store) return flying.empty() || arrival_ == Arrival::any;
    if (!step->is_wait()) return true;
    return holds(step->cmp, static_cast<std::uint32_t>(state.cells[cell(*step)]),
                 static_cast<std::uint32_t>(step->value));
  }
  void go(Stage& state, std::size_t rank) const {
    const Step& step = *next(state, rank);
    if (step.kind == Step::Kind::store) {
      state.cells[cell(step)] = static_cast<std::int8_t>(step.value);
    } else if (!step.is_wait()) {
      state.flying[rank].push_back(state.at[rank]);
    }
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
  [[nodiscard]] bool is_own(std::size_t rank, const Step& step) const {
    return cell(step) % program_.size() == rank;
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
  const Program& program_;
  Arrival arrival_;
};

using Where = std::pair<std::size_t, std::size_t>;  // rank, step

struct Truth {
  std::map<Where, std::vector<std::uint32_t>>
      before;             // each wait: of each rank, notifies for certain
  std::set<Where> stuck;  // waits at which a rank can stand for ever
};

inline std::uint32_t notifies(const std::vector<Step>& steps, std::size_t end) {
  return static_cast<std::uint32_t>(
      std::count_if(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(end),
                    [](const Step& step) { return !step.is_wait(); }));
}

// By all schedules; nothing if there are too many states.
inline std::optional<Truth> all_schedules(const Program& program, Arrival arrival) {
  constexpr std::size_t max_states = 8000;
  const Machine machine(program, arrival);
  Truth truth;
  std::vector<Stage> open = {machine.start()};
  std::unordered_set<std::string> seen = {open.front().key()};
  const auto reach = [&](Stage state) {
    if (seen.insert(state.key()).second) open.push_back(std::move(state));
  };
  while (!open.empty()) {
    if (seen.size() > max_states) return std::nullopt;
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
      if (machine.next(state, rank)->is_wait()) {
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

}  // namespace peal::small_programs
