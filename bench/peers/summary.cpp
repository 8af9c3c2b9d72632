// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/summary.h"

#include <algorithm>

namespace peal::peers {
namespace {

constexpr double width = 1.5;
// If there are this many quiet batches, the other batches are omitted.
constexpr std::size_t enough_quiet = 3;
constexpr double min_share = 0.2;
// A larger latency means that the ranks took turns on one processor.
constexpr double furthest_ns = 2000;

double percentile(const std::vector<float>& sorted, double part) {
  return static_cast<double>(
             sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))]) /
         1000;
}

// The interval (of ratio `width`) with the most latencies. `latencies` is sorted.
Mode widest(const std::vector<double>& latencies) {
  std::size_t most = 0, first = 0;
  for (std::size_t begin = 0, end = 0; begin < latencies.size(); ++begin) {
    while (end < latencies.size() && latencies[end] <= width * latencies[begin]) ++end;
    if (end - begin > most) {
      most = end - begin;
      first = begin;
    }
  }
  return {.lowest_ns = latencies[first],
          .highest_ns = latencies[first + most - 1],
          .median_ns = latencies[first + most / 2]};
}

}  // namespace

bool Mode::has(const Record& record) const {
  const auto inside = [this](double ns) { return ns >= lowest_ns && ns <= highest_ns; };
  return highest_ns == 0 || (inside(record.line_before_ns) && inside(record.line_after_ns));
}

std::vector<Mode> modes_of(const std::vector<Record>& records) {
  std::vector<double> latencies;
  for (const Record& record : records) {
    for (const double ns : {record.line_before_ns, record.line_after_ns}) {
      if (ns > 0 && ns <= furthest_ns) latencies.push_back(ns);
    }
  }
  std::sort(latencies.begin(), latencies.end());
  std::vector<Mode> modes;
  while (!latencies.empty()) {
    Mode mode = widest(latencies);
    const auto members = std::count_if(records.begin(), records.end(),
                                       [&](const Record& record) { return mode.has(record); });
    mode.share = static_cast<double>(members) / static_cast<double>(records.size());
    if (mode.share < min_share && !modes.empty()) break;
    modes.push_back(mode);
    std::erase_if(latencies,
                  [&](double ns) { return ns >= mode.lowest_ns && ns <= mode.highest_ns; });
  }
  if (modes.empty()) modes.emplace_back();
  return modes;
}

std::optional<Figure> Row::best(const Field& field, Kind kind) const {
  std::optional<Figure> best;
  for (const Figure& figure : figures) {
    if (field.contestants[figure.contestant].kind != kind) continue;
    if (!best || figure.median_us < best->median_us) best = figure;
  }
  return best;
}

namespace {

std::optional<Figure> figure_of(const RaceResult& result, const Mode& mode, const Record& cell) {
  std::vector<const Record*> all, quiet;
  for (const Record& record : result.records) {
    const bool fits = record.operation == cell.operation && record.regime == cell.regime &&
                      record.size == cell.size && record.contestant == cell.contestant;
    if (!fits || !mode.has(record)) continue;
    all.push_back(&record);
    if (record.quiet) quiet.push_back(&record);
  }
  if (all.empty()) return std::nullopt;
  const std::vector<const Record*>& batches = quiet.size() >= enough_quiet ? quiet : all;
  std::vector<float> times;
  for (const Record* batch : batches) {
    times.insert(times.end(), batch->times_ns.begin(), batch->times_ns.end());
  }
  std::sort(times.begin(), times.end());
  return Figure{.contestant = cell.contestant,
                .median_us = percentile(times, 0.5),
                .low_us = percentile(times, 0.1),
                .high_us = percentile(times, 0.9),
                .calls = times.size(),
                .batches = batches.size(),
                .quiet = quiet.size()};
}

}  // namespace

Summary summarise(const RacePlan& plan, const RaceResult& result, const Mode& mode) {
  Summary summary{.mode = mode, .rows = {}};
  for (const Operation operation : plan.operations) {
    for (const Regime regime : plan.regimes) {
      for (std::size_t size = 0; size < plan.sizes.size(); ++size) {
        if (!plan.has(regime, plan.sizes[size])) continue;
        Row row{.operation = operation,
                .regime = regime,
                .size_bytes = plan.size_bytes(operation, plan.sizes[size])};
        Record cell{.size = size, .operation = operation, .regime = regime, .times_ns = {}};
        for (; cell.contestant < result.field.contestants.size(); ++cell.contestant) {
          const std::optional<Figure> figure = figure_of(result, mode, cell);
          if (figure) row.figures.push_back(*figure);
        }
        summary.rows.push_back(std::move(row));
      }
    }
  }
  return summary;
}

}  // namespace peal::peers
