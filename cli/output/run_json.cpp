// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>

#include "cli/output/failed_run_json.h"
#include "cli/output/run_record.h"

namespace peal {
namespace {

using Json = nlohmann::ordered_json;

// JSON cannot represent infinity; it becomes the string "inf".
Json number(double value) { return std::isfinite(value) ? Json(value) : Json("inf"); }

void add_parameters(const RunRequest& request, const RunPlan& plan, Json& json) {
  json["collective"] = name(plan.collective);
  json["algorithm"] = plan.algorithm->name;
  json["chosen_by_cost"] = plan.chosen_by_cost;
  json["platform"] = request.platform;
  json["ranks"] = plan.ranks;
  if (request.devices) json["devices"] = *request.devices;
  if (plan.shape.recv_blocks > 0) {
    json["count"] = plan.count;
    json["dtype"] = name(plan.dtype);
  }
  if (plan.shape.has_op) json["op"] = name(plan.op);
  if (plan.shape.has_root) json["root"] = plan.root;
  if (plan.compares()) {
    if (plan.input) {
      json["input"] = *request.input;
    } else {
      json["fill"] = plan.fill.kind == Fill::Kind::ramp ? "ramp" : "rand";
      if (plan.fill.kind == Fill::Kind::rand) json["seed"] = plan.fill.seed;
    }
  }
  if (plan.executor->is_simulated()) json["schedule"] = request.schedule;
  json["calls"] = plan.calls;
  json["values"] = plan.values;
}

Json rank_json(const RunRecord& record, int rank) {
  const auto& [request, plan, outcome] = record;
  const auto index = static_cast<std::size_t>(rank);
  Json json;
  json["rank"] = rank;
  if (plan.collective == Collective::barrier) {
    json["entered"] = outcome.entered[index];
  } else if (plan.compares()) {
    const bool defined = receives(plan.collective, rank, plan.root);
    const reference::RankDifference& difference = outcome.comparison.ranks[index];
    json["max_difference"] = defined ? number(difference.max) : Json(nullptr);
    if (difference.mismatch) {
      json["mismatch"] = {{"element", difference.mismatch->element},
                          {"value", difference.mismatch->value},
                          {"expected", difference.mismatch->expected}};
    }
  }
  const RankCounts& counts = outcome.report.ranks[index];
  json["end"] = "finished";
  add_counts(json, counts);
  return json;
}

}  // namespace

Json failed_run_json(const RunRequest& request, const RunPlan& plan, const FailedRun& failed) {
  Json json;
  add_parameters(request, plan, json);
  add_failed_run(json, failed, plan.ranks);
  return json;
}

Json run_json(const RunRecord& record) {
  const auto& [request, plan, outcome] = record;
  Json json;
  add_parameters(request, plan, json);
  json["verdict"] = verdict(record);
  if (outcome.failure) json["failure"] = *outcome.failure;
  json["findings"] = Json::array();
  if (outcome.failure) json["findings"].push_back(*outcome.failure);
  if (plan.compares()) json["tolerance"] = number(outcome.comparison.tolerance);
  if (plan.executor->is_simulated()) json["time_ps"] = outcome.report.time_ps;
  json["chip_instructions"] = outcome.report.chip_instructions;
  json["per_rank"] = Json::array();
  for (int rank = 0; rank < plan.ranks; ++rank) json["per_rank"].push_back(rank_json(record, rank));
  return json;
}

}  // namespace peal
