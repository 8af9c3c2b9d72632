// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
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

// What has been done and what is in flight, without padding, so that its bytes are a key.
struct Stage {
  static constexpr std::size_t max_ranks = 4, max_steps = 32;  // of a program; steps of each rank

  std::array<std::uint8_t, max_ranks> at{};            // of each rank, its next step
  std::array<std::int8_t, 2 * max_ranks> cells{};      // what each holds
  std::array<std::uint32_t, max_ranks> flying_bits{};  // of each rank, steps with signals under way

  [[nodiscard]] std::size_t flights(std::size_t rank) const {
    return static_cast<std::size_t>(std::popcount(flying_bits[rank]));
  }
  // The step whose signal is the `which`th of those of `rank` that are under way, in program order.
  [[nodiscard]] std::size_t flight(std::size_t rank, std::size_t which) const {
    std::uint32_t bits = flying_bits[rank];
    for (; which > 0; --which) bits &= bits - 1;
    return static_cast<std::size_t>(std::countr_zero(bits));
  }
  bool operator==(const Stage&) const = default;
};

class Machine {
 public:
  // Precondition: the program fits a Stage.
  Machine(const Program& program, Arrival arrival);

  [[nodiscard]] static Stage start() { return {}; }
  [[nodiscard]] const Step* next(const Stage& state, std::size_t rank) const {
    const std::vector<Step>& steps = program_[rank];
    return state.at[rank] < steps.size() ? &steps[state.at[rank]] : nullptr;
  }
  // Whether signals to the rank itself are under way. They are not overtaken by its next step.
  [[nodiscard]] bool has_own_flying(const Stage& state, std::size_t rank) const {
    return (state.flying_bits[rank] & own_bits_[rank]) != 0;
  }
  // A rank does not go on with its next step while signals are under way that it must not overtake.
  [[nodiscard]] bool can_go(const Stage& state, std::size_t rank) const {
    const Step* const step = next(state, rank);
    if (step == nullptr || has_own_flying(state, rank)) return false;
    if (step->kind == Step::Kind::store) {
      return state.flying_bits[rank] == 0 || arrival_ == Arrival::any;
    }
    if (!step->is_wait()) return true;
    return holds(step->cmp, static_cast<std::uint32_t>(state.cells[cell(*step)]),
                 static_cast<std::uint32_t>(step->value));
  }
  void go(Stage& state, std::size_t rank) const {
    const Step& step = *next(state, rank);
    if (step.kind == Step::Kind::store) {
      state.cells[cell(step)] = static_cast<std::int8_t>(step.value);
    } else if (!step.is_wait()) {
      state.flying_bits[rank] |= std::uint32_t{1} << state.at[rank];
    }
    ++state.at[rank];
  }
  [[nodiscard]] std::size_t can_arrive(const Stage& state, std::size_t rank) const {
    const std::size_t count = state.flights(rank);
    return arrival_ == Arrival::in_order ? std::min<std::size_t>(count, 1) : count;
  }
  void arrive(Stage& state, std::size_t rank, std::size_t which) const {
    const std::size_t index = state.flight(rank, which);
    const Step& step = program_[rank][index];
    std::int8_t& held = state.cells[cell(step)];
    held = static_cast<std::int8_t>(step.kind == Step::Kind::add ? held + step.value : step.value);
    state.flying_bits[rank] &= ~(std::uint32_t{1} << index);
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
  std::array<std::uint32_t, Stage::max_ranks> own_bits_{};  // of each rank, steps on its own cells
};

using Where = std::pair<std::size_t, std::size_t>;  // rank, step

struct Truth {
  std::map<Where, std::array<std::uint32_t, Stage::max_ranks>>
      before;             // each wait: of each rank, notifies for certain
  std::set<Where> stuck;  // waits at which a rank can stand for ever
};

// By all schedules; nothing if there are too many states.
[[nodiscard]] std::optional<Truth> all_schedules(const Program& program, Arrival arrival);

}  // namespace peal::small_programs
