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

Choice PlanCache::choose(Team& team, const CallKind& kind, std::size_t count, DType dtype) {
  struct Planning {
    bool& is_under_way;
    ~Planning() { is_under_way = false; }
  } const planning{is_planning_};
  is_planning_ = true;
  return chooser_.choose(team, kind.collective, count, dtype, kind.placement);
}

CallPlan& PlanCache::plan(Team& team, const CallKind& kind, std::size_t count) {
  CallPlan plan;
  plan.traits = kind.traits();
  plan.send_count = kind.send.count;
  plan.recv_count = kind.recv.count;
  plan.count = count;
  plan.dtype = kind.recv.data != nullptr ? kind.recv.dtype : kind.send.dtype;
  plan.shape = shape(kind.collective, team.size());
  plan.cuts = kind.collective == Collective::all_reduce ? team.size() : 0;
  const bool is_named = kind.asked != auto_algorithm;
  if (is_named) {
    plan.algorithm = &find_algorithm(kind.collective, kind.asked);
  } else {
    const Choice choice = choose(team, kind, count, plan.dtype);
    log_choice(team.rank(), team.size(), choice, count * size_bytes(plan.dtype), kind.placement);
    plan.algorithm = choice.algorithm;
    if (chooser_.may_change()) max_weight_ = weight_between_measurements;
  }
  plan.lacks_shared_cache = chooser_.lacks_shared_cache();
  plan.weight = 1 + count * size_bytes(plan.dtype) / 4096;
  plan.asked = is_named ? plan.algorithm->name : auto_algorithm;
  plan.scratch = &scratch(team, *plan.algorithm, plan.shape.has_root ? kind.root : 0);
  plan.longest_piece =
      longest_piece(*plan.algorithm, team.size(), plan.dtype, kind.placement, team.platform());
  const std::size_t sent = kind.send.size_bytes(), received = kind.recv.size_bytes();
  const bool is_in_place = kind.send.data == kind.recv.data;
  plan.moved_bytes = (is_in_place ? std::max(sent, received) : sent + received) *
                     static_cast<std::size_t>(team.size());
  plan.staged = staging(*plan.algorithm, team.size(), kind.placement);
  plan.is_one_launch = plan.count <= plan.longest_piece && plan.staged == Staging{} &&
                       !plan.algorithm->needs.in_place;
  last_ = {};  // it may point to the plan that is replaced here
  std::unique_ptr<CallPlan>& known = plans_[slot(kind)];
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
