// SPDX-License-Identifier: Apache-2.0
#include "tests/support/small_programs.h"

#include <cstring>
#include <type_traits>

#include "peal/base/error.h"
#include "peal/base/random.h"

namespace peal::small_programs {
namespace {

constexpr std::size_t max_states = 8000;

// The states that have been reached, each once, in the order of that.
class Reached {
 public:
  Reached() { states_.reserve(max_states + 64); }
  void add(const Stage& state) {
    std::uint64_t words[4] = {};
    static_assert(sizeof(Stage) <= sizeof(words));
    std::memcpy(words, &state, sizeof(state));
    std::uint64_t hash = 0;
    for (const std::uint64_t word : words) hash = Random::mix(hash ^ word);
    for (std::size_t slot = hash % slots_.size();; slot = (slot + 1) % slots_.size()) {
      if (slots_[slot] == 0) {
        states_.push_back(state);
        slots_[slot] = static_cast<std::uint16_t>(states_.size());
        return;
      }
      if (states_[slots_[slot] - 1u] == state) return;
    }
  }
  [[nodiscard]] std::size_t size() const { return states_.size(); }
  [[nodiscard]] Stage operator[](std::size_t index) const { return states_[index]; }

 private:
  static_assert(std::has_unique_object_representations_v<Stage>);
  std::vector<Stage> states_;
  std::array<std::uint16_t, 32768> slots_{};  // the number of a state, from 1; 0 if free
};

std::uint32_t notifies(const std::vector<Step>& steps, std::size_t end) {
  return static_cast<std::uint32_t>(
      std::count_if(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(end),
                    [](const Step& step) { return !step.is_wait(); }));
}

}  // namespace

Machine::Machine(const Program& program, Arrival arrival) : program_(program), arrival_(arrival) {
  PEAL_CHECK(program.size() <= Stage::max_ranks);
  for (std::size_t rank = 0; rank < program.size(); ++rank) {
    PEAL_CHECK(program[rank].size() <= Stage::max_steps);
    for (std::size_t index = 0; index < program[rank].size(); ++index) {
      const bool is_own = cell(program[rank][index]) % program.size() == rank;
      if (is_own) own_bits_[rank] |= std::uint32_t{1} << index;
    }
  }
}

std::optional<Truth> all_schedules(const Program& program, Arrival arrival) {
  const Machine machine(program, arrival);
  const std::size_t ranks = program.size();
  Truth truth;
  Reached reached;
  reached.add(Machine::start());
  for (std::size_t next = 0; next < reached.size(); ++next) {
    if (reached.size() > max_states) return std::nullopt;
    const Stage state = reached[next];
    bool goes_on = false;
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      for (std::size_t i = 0; i < machine.can_arrive(state, rank); ++i) {
        Stage after = state;
        machine.arrive(after, rank, i);
        reached.add(after);
        goes_on = true;
      }
      if (!machine.can_go(state, rank)) continue;
      goes_on = true;
      if (machine.next(state, rank)->is_wait()) {
        std::array<std::uint32_t, Stage::max_ranks> done{};
        for (std::size_t other = 0; other < ranks; ++other) {
          if (other != rank) done[other] = notifies(program[other], state.at[other]);
        }
        const auto [known, is_new] = truth.before.try_emplace({rank, state.at[rank]}, done);
        for (std::size_t other = 0; other < ranks; ++other) {
          known->second[other] = std::min(known->second[other], done[other]);
        }
      }
      Stage after = state;
      machine.go(after, rank);
      reached.add(after);
    }
    if (goes_on) continue;
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      if (machine.next(state, rank) != nullptr) truth.stuck.insert({rank, state.at[rank]});
    }
  }
  return truth;
}

}  // namespace peal::small_programs
