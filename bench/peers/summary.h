// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench/peers/race.h"

namespace peal::peers {

// A mode of the host: on a virtual machine, two virtual processors may or may not share a cache,
// and that changes within a run. Cache line latencies of a mode are within a factor of 1.5.
struct Mode {
  double lowest_ns = 0, highest_ns = 0, median_ns = 0;
  double share = 1;  // fraction of all batches

  [[nodiscard]] bool has(const Record& record) const;
};

// The modes with at least a fifth of the batches, the most frequent first. If latencies are
// unknown, one mode with all batches.
[[nodiscard]] std::vector<Mode> modes_of(const std::vector<Record>& records);

// The result of one contestant in one cell of a table.
struct Figure {
  std::size_t contestant = 0;
  double median_us = 0, low_us = 0, high_us = 0;  // 10th and 90th percentile
  std::size_t calls = 0, batches = 0;
  std::size_t quiet = 0;  // quiet batches; if there are enough, the figures are of these alone
};

// One line of a table.
struct Row {
  Operation operation{};
  Regime regime{};
  std::uint64_t size_bytes = 0;
  std::vector<Figure> figures = {};

  // The fastest contestant of a kind.
  [[nodiscard]] std::optional<Figure> best(const Field& field, Kind kind) const;
};

// The results in one mode.
struct Summary {
  Mode mode;
  std::vector<Row> rows;
};

[[nodiscard]] Summary summarise(const RacePlan& plan, const RaceResult& result, const Mode& mode);

// The tables of a summary, one per collective and regime, as text.
[[nodiscard]] std::string tables(const RacePlan& plan, const RaceResult& result,
                                 const Summary& summary);

[[nodiscard]] nlohmann::ordered_json report(const RacePlan& plan, const RaceResult& result,
                                            const std::vector<Summary>& summaries);

}  // namespace peal::peers
