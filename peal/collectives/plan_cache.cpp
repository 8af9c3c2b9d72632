// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/plan_cache.h"

#include <algorithm>
#include <tuple>

namespace peal {

Scratch& PlanCache::scratch(Team& team, const Algorithm& algorithm, int root) {
  const std::pair key{&algorithm, root};
  const auto found = scratch_.find(key);
  if (found != scratch_.end()) return found->second;
  return scratch_
      .emplace(std::piecewise_construct, std::forward_as_tuple(key),
               std::forward_as_tuple(team, algorithm))
      .first->second;
}

void PlanCache::make(std::unique_ptr<Team::State>& state) { state = std::make_unique<PlanCache>(); }

Choice PlanCache::choose(Team& team, Collective collective, const CallPlan& plan) {
  struct Planning {
    bool& is_under_way;
    ~Planning() { is_under_way = false; }
  } const planning{is_planning_};
  is_planning_ = true;
  return chooser_.choose(team, collective, plan.count, plan.dtype, plan.key.placement);
}

CallPlan& PlanCache::plan(Team& team, const CallArguments& used, const PlanKey& key,
                          std::size_t count) {
  const ConstView& send = *used.send;
  const View& recv = *used.recv;
  const Collective collective = used.traits.collective();
  CallPlan plan;
  plan.key = key;
  plan.count = count;
  plan.dtype = recv.data != nullptr ? recv.dtype : send.dtype;
  plan.shape = shape(collective, team.size());
  plan.cuts = collective == Collective::all_reduce ? team.size() : 0;
  const bool is_named = key.algorithm != auto_algorithm;
  if (is_named) {
    plan.algorithm = &find_algorithm(collective, key.algorithm);
  } else {
    const Choice choice = choose(team, collective, plan);
    log_choice(team.rank(), team.size(), choice, count * size_bytes(plan.dtype), key.placement);
    plan.algorithm = choice.algorithm;
    if (chooser_.may_change()) max_weight_ = weight_between_measurements;
  }
  // The same text, but one that outlives the call.
  plan.key.algorithm = is_named ? plan.algorithm->name : auto_algorithm;
  plan.lacks_shared_cache = chooser_.lacks_shared_cache();
  plan.weight = 1 + count * size_bytes(plan.dtype) / 4096;
  plan.scratch = &scratch(team, *plan.algorithm, plan.shape.has_root ? used.traits.root() : 0);
  plan.longest_piece =
      longest_piece(*plan.algorithm, team.size(), plan.dtype, key.placement, team.platform());
  const std::size_t sent = send.size_bytes(), received = recv.size_bytes();
  const bool is_in_place = send.data == recv.data;
  plan.moved_bytes = (is_in_place ? std::max(sent, received) : sent + received) *
                     static_cast<std::size_t>(team.size());
  plan.staged = staging(*plan.algorithm, team.size(), key.placement);
  plan.is_one_launch = plan.count <= plan.longest_piece && plan.staged == Staging{} &&
                       !plan.algorithm->needs.in_place;
  last_ = {};  // it may point to the plan that is replaced here
  std::unique_ptr<CallPlan>& known = plans_[slot(key)];
  if (known == nullptr) known = std::make_unique<CallPlan>();
  return *known = plan;
}

void PlanCache::measure_again(Team& team) {
  weight_ = 0;
  const bool before = chooser_.lacks_shared_cache();
  chooser_.measure(team);
  if (chooser_.lacks_shared_cache() == before) return;
  last_ = {};
  for (const std::unique_ptr<CallPlan>& plan : plans_) {
    if (plan != nullptr) plan->algorithm = nullptr;
  }
}

}  // namespace peal
