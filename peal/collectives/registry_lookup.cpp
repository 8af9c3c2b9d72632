// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <string>

#include "peal/base/error.h"
#include "peal/collectives/registry.h"

namespace peal {

const Algorithm* known_algorithm(Collective collective, std::string_view name) {
  for (const Algorithm& algorithm : algorithms()) {
    if (algorithm.collective == collective && algorithm.name == name) return &algorithm;
  }
  return nullptr;
}

const Algorithm& find_algorithm(Collective collective, std::string_view name) {
  if (const Algorithm* found = known_algorithm(collective, name)) return *found;
  std::string known;
  for (const Algorithm& algorithm : algorithms()) {
    if (algorithm.collective != collective) continue;
    known += known.empty() ? "" : ", ";
    known += algorithm.name;
  }
  throw UsageError(fmt::format("{}: algorithm `{}` is unknown; use auto or one of {}",
                               peal::name(collective), name, known));
}

AlgorithmFigures figures(const Algorithm& algorithm, int ranks, std::size_t count) {
  return evaluate(algorithm.formulas, ranks, count);
}

bool Needs::are_met(const Placement& placement, std::size_t block_bytes) const {
  if (send_in_window && !placement.send_in_window) return false;
  if (recv_in_window && !placement.recv_in_window) return false;
  if (apart && placement.in_place) return false;
  return !fits_packets || block_bytes <= Packets::max_bytes;
}

const Algorithm& choose_algorithm(Collective collective, int ranks, std::size_t count, DType dtype,
                                  const Placement& placement, const Platform& platform) {
  const Algorithm* best = nullptr;
  double best_ps = 0;
  for (const Algorithm& algorithm : algorithms()) {
    if (algorithm.collective != collective ||
        !algorithm.needs.are_met(placement, count * size_bytes(dtype))) {
      continue;
    }
    const double time_ps =
        predict_ps(figures(algorithm, ranks, count), size_bytes(dtype), platform);
    if (best != nullptr && time_ps >= best_ps) continue;
    best = &algorithm;
    best_ps = time_ps;
  }
  PEAL_CHECK(best != nullptr);
  return *best;
}

}  // namespace peal
