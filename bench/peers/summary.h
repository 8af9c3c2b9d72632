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

// On a virtual machine two processors may be near each other or far, and that changes within a run.
// Batches of one mode are those whose line latencies are within a factor of 1.5.
struct Mode {
  double lowest_ns = 0, highest_ns = 0, median_ns = 0;
  double share = 1;  // of all batches

  [[nodiscard]] bool has(const Record& record) const;
};

// The modes that a fifth of the batches or more were measured in, the most frequent first; one that
// has all batches, where latencies are not known.
[[nodiscard]] std::vector<Mode> modes_of(const std::vector<Record>& records);

// What is known of one contestant in one place of a table.
struct Figure {
  std::size_t contestant = 0;
  double median_us = 0, low_us = 0, high_us = 0;  // 10th and 90th percentile
  std::size_t calls = 0, batches = 0;
  std::size_t quiet = 0;  // batches beside no other work; the figure is theirs if there are some
};

// One line of a table.
struct Row {
  Operation operation{};
  Regime regime{};
  std::uint64_t size_bytes = 0;
  std::vector<Figure> figures = {};

  // The fastest of a kind.
  [[nodiscard]] std::optional<Figure> best(const Field& field, Kind kind) const;
};

// What was measured in one mode.
struct Summary {
  Mode mode;
  std::vector<Row> rows;
};

[[nodiscard]] Summary summarise(const RacePlan& plan, const RaceResult& result, const Mode& mode);

// A table per collective and regime.
[[nodiscard]] std::string tables(const RacePlan& plan, const RaceResult& result,
                                 const Summary& summary);

[[nodiscard]] nlohmann::ordered_json report(const RacePlan& plan, const RaceResult& result,
                                            const std::vector<Summary>& summaries);

}  // namespace peal::peers
