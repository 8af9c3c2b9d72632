// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/summary.h"

#include <algorithm>

namespace peal::peers {
namespace {

constexpr double width = 1.5;

double percentile(const std::vector<float>& sorted, double part) {
  return static_cast<double>(
             sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))]) /
         1000;
}

}  // namespace

bool Mode::has(const Record& record) const {
  const auto inside = [this](double ns) { return ns >= lowest_ns && ns <= highest_ns; };
  return highest_ns == 0 || (inside(record.line_before_ns) && inside(record.line_after_ns));
}

Mode main_mode(const std::vector<Record>& records) {
  std::vector<double> latencies;
  for (const Record& record : records) {
    for (const double ns : {record.line_before_ns, record.line_after_ns}) {
      if (ns > 0) latencies.push_back(ns);
    }
  }
  if (latencies.empty()) return {};
  std::sort(latencies.begin(), latencies.end());
  std::size_t most = 0, first = 0;
  for (std::size_t begin = 0, end = 0; begin < latencies.size(); ++begin) {
    while (end < latencies.size() && latencies[end] <= width * latencies[begin]) ++end;
    if (end - begin > most) {
      most = end - begin;
      first = begin;
    }
  }
  Mode mode{.lowest_ns = latencies[first],
            .highest_ns = latencies[first + most - 1],
            .median_ns = latencies[first + most / 2]};
  const auto members = std::count_if(records.begin(), records.end(),
                                     [&](const Record& record) { return mode.has(record); });
  mode.share = static_cast<double>(members) / static_cast<double>(records.size());
  return mode;
}

std::optional<Figure> Row::best(const Field& field, Kind kind) const {
  std::optional<Figure> best;
  for (const Figure& figure : figures) {
    if (field.contestants[figure.contestant].kind != kind) continue;
    if (!best || figure.median_us < best->median_us) best = figure;
  }
  return best;
}

std::vector<Row> summarise(const RacePlan& plan, const RaceResult& result, const Mode& mode) {
  std::vector<Row> rows;
  for (const Operation operation : plan.operations) {
    for (const Regime regime : plan.regimes) {
      for (std::size_t size = 0; size < plan.sizes.size(); ++size) {
        Row row{.operation = operation,
                .regime = regime,
                .size_bytes = plan.size_bytes(operation, plan.sizes[size])};
        for (std::size_t contestant = 0; contestant < result.field.contestants.size();
             ++contestant) {
          std::vector<float> times;
          std::size_t batches = 0;
          for (const Record& record : result.records) {
            if (record.operation != operation || record.regime != regime || record.size != size ||
                record.contestant != contestant) {
              continue;
            }
            row.wrong += record.wrong;
            if (!mode.has(record)) continue;
            times.insert(times.end(), record.times_ns.begin(), record.times_ns.end());
            ++batches;
          }
          if (times.empty()) continue;
          std::sort(times.begin(), times.end());
          row.figures.push_back({.contestant = contestant,
                                 .median_us = percentile(times, 0.5),
                                 .low_us = percentile(times, 0.1),
                                 .high_us = percentile(times, 0.9),
                                 .calls = times.size(),
                                 .batches = batches});
        }
        rows.push_back(std::move(row));
      }
    }
  }
  return rows;
}

}  // namespace peal::peers
