// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bench/peers/summary.h"

namespace peal::peers {
namespace {

std::string size_text(std::uint64_t bytes) {
  const char* const units[] = {"B", "KiB", "MiB", "GiB"};
  std::size_t unit = 0;
  for (; bytes >= 1024 && bytes % 1024 == 0 && unit < 3; ++unit) bytes /= 1024;
  return fmt::format("{} {}", bytes, units[unit]);
}

// Three significant digits, without an exponent.
std::string time_text(const std::optional<Figure>& figure) {
  if (!figure) return "-";
  const double us = figure->median_us;
  return us < 10    ? fmt::format("{:.2f}", us)
         : us < 100 ? fmt::format("{:.1f}", us)
                    : fmt::format("{:.0f}", us);
}

std::string ratio_text(const std::optional<Figure>& other, const std::optional<Figure>& own) {
  if (!other || !own) return "-";
  return fmt::format("{:.2f}", other->median_us / own->median_us);
}

std::string percent_text(const std::optional<Figure>& limit, const std::optional<Figure>& own) {
  if (!limit || !own) return "-";
  return fmt::format("{:.0f} %", 100 * limit->median_us / own->median_us);
}

std::string heading(const RacePlan& plan, const Row& row, const Mode& mode) {
  std::string text = fmt::format("\n{}, f32, {} ranks, {}: medians in us", name_of(row.operation),
                                 plan.ranks, name_of(row.regime));
  if (mode.highest_ns > 0) {
    text += fmt::format("; line latency {:.0f} ns ({:.0f} to {:.0f}: {:.0f} % of the batches)",
                        mode.median_ns, mode.lowest_ns, mode.highest_ns, 100 * mode.share);
  }
  return text +
         fmt::format("\n{:>8} {:>9} {:>9} {:>9}  {:<19} {:>7} {:>7} {:>9} {:>8} {:>8} {:>8}\n",
                     "size", "windows", "private", "peer", "which", "ratio w", "ratio p", "limit",
                     "of it w", "of it p", "batches");
}

const char* kind_name(Kind kind) {
  switch (kind) {
    case Kind::windows:
      return "windows";
    case Kind::private_memory:
      return "private";
    case Kind::peer:
      return "peer";
    case Kind::limit:
      return "limit";
  }
  return "";
}

nlohmann::ordered_json row_json(const RaceResult& result, const Row& row) {
  nlohmann::ordered_json figures = nlohmann::ordered_json::array();
  for (const Figure& figure : row.figures) {
    const Contestant& contestant = result.field.contestants[figure.contestant];
    figures.push_back({{"contestant", contestant.name},
                       {"kind", kind_name(contestant.kind)},
                       {"median_us", figure.median_us},
                       {"p10_us", figure.low_us},
                       {"p90_us", figure.high_us},
                       {"calls", figure.calls},
                       {"batches", figure.batches},
                       {"quiet_batches", figure.quiet}});
  }
  return {{"collective", name_of(row.operation)},
          {"regime", name_of(row.regime)},
          {"size_bytes", row.size_bytes},
          {"figures", figures}};
}

nlohmann::ordered_json batch_json(const RacePlan& plan, const RaceResult& result,
                                  const Record& record) {
  std::vector<float> times = record.times_ns;
  std::sort(times.begin(), times.end());
  return {{"round", record.round},
          {"collective", name_of(record.operation)},
          {"regime", name_of(record.regime)},
          {"size_bytes", plan.size_bytes(record.operation, plan.sizes[record.size])},
          {"contestant", result.field.contestants[record.contestant].name},
          {"line_before_ns", record.line_before_ns},
          {"line_after_ns", record.line_after_ns},
          {"calls", times.size()},
          {"median_us", static_cast<double>(times[times.size() / 2]) / 1000},
          {"quiet", record.quiet},
          {"wrong", record.wrong}};
}

}  // namespace

std::string tables(const RacePlan& plan, const RaceResult& result, const Summary& summary) {
  std::string text;
  const Row* before = nullptr;
  for (const Row& row : summary.rows) {
    if (before == nullptr || before->operation != row.operation || before->regime != row.regime) {
      text += heading(plan, row, summary.mode);
    }
    before = &row;
    const auto best = [&](Kind kind) { return row.best(result.field, kind); };
    const auto windows = best(Kind::windows), memory = best(Kind::private_memory);
    const auto peer = best(Kind::peer), limit = best(Kind::limit);
    std::size_t fewest = result.records.size(), quiet = fewest;
    for (const auto& figure : {windows, memory, peer, limit}) {
      if (!figure) continue;
      fewest = std::min(fewest, figure->batches);
      quiet = std::min(quiet, figure->quiet);
    }
    text += fmt::format(
        "{:>8} {:>9} {:>9} {:>9}  {:<19} {:>7} {:>7} {:>9} {:>8} {:>8} {:>8}\n",
        size_text(row.size_bytes), time_text(windows), time_text(memory), time_text(peer),
        peer ? result.field.contestants[peer->contestant].name : "-", ratio_text(peer, windows),
        ratio_text(peer, memory), time_text(limit), percent_text(limit, windows),
        percent_text(limit, memory), fmt::format("{}/{}", std::min(quiet, fewest), fewest));
  }
  return text;
}

nlohmann::ordered_json report(const RacePlan& plan, const RaceResult& result,
                              const std::vector<Summary>& summaries) {
  nlohmann::ordered_json json = {
      {"ranks", plan.ranks}, {"rounds", result.rounds}, {"failures", result.failures}};
  json["modes"] = nlohmann::ordered_json::array();
  for (const Summary& summary : summaries) {
    const Mode& mode = summary.mode;
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    for (const Row& row : summary.rows) rows.push_back(row_json(result, row));
    json["modes"].push_back(
        {{"line_latency_ns",
          {{"median", mode.median_ns}, {"lowest", mode.lowest_ns}, {"highest", mode.highest_ns}}},
         {"share_of_batches", mode.share},
         {"rows", rows}});
  }
  json["batches"] = nlohmann::ordered_json::array();
  for (const Record& record : result.records)
    json["batches"].push_back(batch_json(plan, result, record));
  return json;
}

}  // namespace peal::peers
