// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/bench_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/options/bench_plan.h"
#include "cli/output/bench_warnings.h"
#include "cli/output/json_text.h"
#include "peal/tools/files/output_file.h"

namespace peal {
namespace {

// The bytes that a rank's link must carry per byte of the size, for any algorithm: the factor of
// the "bus bandwidth" of nccl-tests.
double bus_factor(Collective collective, int ranks) {
  const double part = ranks == 1 ? 1 : static_cast<double>(ranks - 1) / ranks;
  switch (collective) {
    case Collective::all_reduce:
      return 2 * part;
    case Collective::broadcast:
    case Collective::reduce:
      return 1;
    default:
      return part;
  }
}

double bandwidth(const BenchPlan& plan, const BenchRow& row) {  // GB/s
  return row.median_us == 0 ? 0
                            : static_cast<double>(plan.size_bytes(row.count)) / row.median_us / 1e3;
}

nlohmann::ordered_json json_of(const BenchPlan& plan, const BenchRow& row) {
  return {{"size_bytes", plan.size_bytes(row.count)},
          {"count", row.count},
          {"in_place", row.in_place},
          {"calls", row.calls},
          {"median_us", row.median_us},
          {"p99_us", row.p99_us},
          {"algbw_gb_per_s", bandwidth(plan, row)},
          {"busbw_gb_per_s", bandwidth(plan, row) * bus_factor(plan.collective, plan.ranks)},
          {"wrong", row.wrong}};
}

void print_head(std::FILE* out, const BenchRequest& request, const BenchPlan& plan) {
  fmt::print(out, "# {} {} on {}, {} ranks; p50 and p99 of the slowest rank\n", request.collective,
             plan.algorithm, request.platform, plan.ranks);
  fmt::print(out, "{:>12} {:>12} {:>5} {:>6} {:>5}", "size", "count", "type", "redop", "root");
  for (int i = 0; i < 2; ++i) {
    fmt::print(out, " {:>11} {:>11} {:>8} {:>8} {:>7}", i == 0 ? "time us" : "in place", "p99 us",
               "algbw", "busbw", "#wrong");
  }
  fmt::print(out, "\n");
}

}  // namespace

int bench_command(const BenchRequest& request) {
  const BenchPlan plan = make_bench_plan(request);
  std::optional<OutputFile> json;
  if (request.json) json.emplace(*request.json);
  std::FILE* const out = json && json->is_stdout() ? stderr : stdout;
  warn_of_useless_figures(plan.ranks);
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  const CollectiveShape blocks = shape(plan.collective, plan.ranks);
  std::uint64_t wrong = 0;
  for (std::size_t count : plan.counts) {
    for (bool in_place : {false, true}) {
      const BenchRow row = measure(plan, count, in_place);
      if (rows.empty()) print_head(out, request, plan);  // now that it can be measured at all
      if (!in_place) {
        fmt::print(out, "{:>12} {:>12} {:>5} {:>6} {:>5}", plan.size_bytes(count), count,
                   name(plan.dtype), blocks.has_op ? name(plan.op) : "none",
                   blocks.has_root ? fmt::format("{}", plan.root) : "-1");
      }
      wrong += row.wrong;
      const double speed = bandwidth(plan, row);
      fmt::print(out, " {:>11.2f} {:>11.2f} {:>8.3f} {:>8.3f} {:>7}", row.median_us, row.p99_us,
                 speed, speed * bus_factor(plan.collective, plan.ranks), row.wrong);
      std::fflush(out);
      rows.push_back(json_of(plan, row));
    }
    fmt::print(out, "\n");
  }
  if (json) {
    const nlohmann::ordered_json all = {
        {"collective", request.collective}, {"algorithm", plan.algorithm},
        {"platform", request.platform},     {"ranks", plan.ranks},
        {"dtype", name(plan.dtype)},        {"rows", rows}};
    json->commit(json_text(all));
  }
  return wrong == 0 ? 0 : 1;
}

}  // namespace peal
