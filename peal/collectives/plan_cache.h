// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "peal/collectives/call_plan.h"
#include "peal/collectives/resolved_call.h"
#include "peal/collectives/scratch.h"
#include "peal/collectives/tuning/chooser.h"
#include "peal/machine/team.h"

namespace peal {

// What the collectives keep with a team on one rank: the plans, the scratch of each algorithm, the
// last call and the chooser.
class PlanCache final : public Team::State {
 public:
  static void make(std::unique_ptr<Team::State>& state);

  // The remembered plan with this key, or nullptr.
  [[nodiscard]] CallPlan* find(const PlanKey& key) {
    CallPlan* const known = plans_[slot(key)].get();
    return known != nullptr && known->is_for(key) ? known : nullptr;
  }
  // The last call that was resolved.
  [[nodiscard]] ResolvedCall& last() { return last_; }

  // Makes and remembers the plan with this key, for a call on blocks of `count` elements, of which
  // `used` has the buffers that this rank uses. With algorithm `auto`, the ranks may communicate to
  // choose, so all have to call it together. It may replace another plan in the same slot of the
  // hash table, and so clears last(). Throws Error for an unknown algorithm.
  CallPlan& plan(Team& team, const CallArguments& used, const PlanKey& key, std::size_t count);
  // True while plan() chooses an algorithm. Collective calls that the choice itself makes are then
  // not announced, because they are part of the call that is being planned.
  [[nodiscard]] bool is_planning() const { return is_planning_; }

  // Called after each call. Measures the latency between the ranks again when the weights of the
  // calls since the last measurement reach a limit; the limit is such that the calls take at least
  // a hundred times as long as the measurement. Weights are equal on all ranks, so all ranks
  // measure after the same call.
  void after_call(Team& team, const CallPlan& plan) {
    weight_ += plan.weight;
    if (weight_ >= max_weight_) measure_again(team);
  }

 private:
  [[nodiscard]] static std::size_t slot(const PlanKey& key) {
    const std::uint64_t mixed = (key.recv_count + key.word * 7) * 0x9e3779b97f4a7c15u;
    return mixed >> (64 - plan_bits);
  }
  [[nodiscard]] Scratch& scratch(Team& team, const Algorithm& algorithm, int root);

  [[nodiscard]] Choice choose(Team& team, Collective collective, const CallPlan& plan);
  void measure_again(Team& team);

  static constexpr std::uint64_t weight_between_measurements = 16384;

  Chooser chooser_;
  std::uint64_t weight_ = 0, max_weight_ = UINT64_MAX;
  bool is_planning_ = false;
  ResolvedCall last_;
  static constexpr int plan_bits = 6;
  std::map<std::pair<const Algorithm*, int>, Scratch> scratch_;
  // A direct-mapped hash table by the plan's key; most programs make calls with few keys.
  std::array<std::unique_ptr<CallPlan>, std::size_t{1} << plan_bits> plans_;
};

[[nodiscard]] inline PlanCache& plan_cache(Team& team) {
  std::unique_ptr<Team::State>& state = team.state(Team::StateOwner::collectives);
  if (state == nullptr) PlanCache::make(state);
  return static_cast<PlanCache&>(*state);
}

}  // namespace peal
