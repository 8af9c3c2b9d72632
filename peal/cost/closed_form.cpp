// SPDX-License-Identifier: Apache-2.0
#include "peal/cost/closed_form.h"

#include <algorithm>
#include <bit>
#include <string_view>

#include "peal/base/expression.h"

namespace peal {

AlgorithmFigures evaluate(const Formulas& formulas, int ranks, std::size_t count) {
  static constexpr std::string_view variables[] = {"P", "n", "L", "X", "H", "Q"};
  const auto unsigned_ranks = static_cast<unsigned>(ranks);
  const std::int64_t values[] = {ranks,
                                 static_cast<std::int64_t>(count),
                                 std::bit_width(unsigned_ranks - 1),
                                 std::has_single_bit(unsigned_ranks) ? 0 : 1,
                                 2 * unsigned_ranks > 3 * std::bit_floor(unsigned_ranks) ? 1 : 0,
                                 std::bit_floor(unsigned_ranks)};
  const auto number = [&](const char* text) {
    return Expression::parse(text, variables).evaluate(values);
  };
  return {.scratch = number(formulas.scratch),
          .parts = number(formulas.parts),
          .signals = number(formulas.signals),
          .steps = number(formulas.steps),
          .puts = number(formulas.puts),
          .gets = number(formulas.gets),
          .sent = number(formulas.sent),
          .notifies = number(formulas.notifies),
          .copied = number(formulas.copied),
          .read = number(formulas.read != nullptr ? formulas.read : formulas.sent),
          .drains = formulas.drains == nullptr ? 0 : number(formulas.drains)};
}

double predict_ps(const AlgorithmFigures& figures, std::size_t element_bytes,
                  const Platform& platform) {
  const std::int64_t moved = figures.gets > 0 ? figures.read : figures.sent;
  const double moved_bytes = static_cast<double>(moved) * static_cast<double>(element_bytes);
  const auto tile_bytes = static_cast<double>(platform.verbs.tile_bytes);
  double time = static_cast<double>(figures.notifies * platform.signals.notify_issue_ps) +
                static_cast<double>(figures.steps * platform.signals.latency_ps) +
                moved_bytes * platform.link.ps_per_byte;
  time += static_cast<double>(figures.drains * platform.link.store_latency_ps);
  // Loads and stores overlap, so the slower of the two decides.
  time += static_cast<double>(figures.copied) * static_cast<double>(element_bytes) *
          std::max(platform.memory.load_ps_per_byte, platform.memory.store_ps_per_byte);
  if (figures.gets > 0) {  // a remote read pays the load latency for every tile
    const double tiles = static_cast<double>(figures.gets) + moved_bytes / tile_bytes;
    time += tiles * static_cast<double>(platform.link.load_latency_ps);
  } else {
    time += static_cast<double>(figures.steps * platform.link.store_latency_ps) +
            static_cast<double>(figures.puts * 2 * platform.memory.startup_ps);
  }
  return time;
}

}  // namespace peal
