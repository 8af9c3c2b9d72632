// SPDX-License-Identifier: Apache-2.0
#include "peal/search/mutation.h"

#include <algorithm>
#include <utility>

namespace peal {
namespace {

bool shares_line(const SyncUnit& a, const SyncUnit& b) {
  return std::any_of(a.lines.begin(), a.lines.end(), [&b](const FindingLine& line) {
    return std::find(b.lines.begin(), b.lines.end(), line) != b.lines.end();
  });
}

// Adds a unit, merged with the first known one that shares a line with it.
void add_unit(std::vector<SyncUnit>& units, const SyncUnit& unit) {
  for (SyncUnit& known : units) {
    if (!shares_line(known, unit)) continue;
    for (const FindingLine& line : unit.lines) {
      if (std::find(known.lines.begin(), known.lines.end(), line) == known.lines.end()) {
        known.lines.push_back(line);
      }
    }
    return;
  }
  units.push_back(unit);
}

std::vector<SyncUnit> all_units(const MutationRequest& request) {
  std::vector<SyncUnit> units;
  for (const CheckSubject& subject : request.subjects) {
    for (int ranks : request.ranks) {
      CheckRequest each = request.check;
      each.ranks = ranks;
      each.schedules = 0;
      for (const SyncUnit& unit : check(subject, each).synchronisations) {
        if (request.mutates(unit.lines.front())) add_unit(units, unit);
      }
    }
  }
  return units;
}

Mutation leave_out(const MutationRequest& request, const SyncUnit& unit) {
  CheckRequest without = request.check;
  for (const FindingLine& line : unit.lines) without.skipped.push_back({line.file, line.line});
  for (const CheckSubject& subject : request.subjects) {
    for (int ranks : request.ranks) {
      without.ranks = ranks;
      const CheckResult found = check(subject, without);
      if (!found.is_clean()) return {unit, found.findings.front().finding, ranks};
    }
  }
  return {.unit = unit, .caught_by = std::nullopt};
}

}  // namespace

std::vector<Mutation> mutate(const MutationRequest& request) {
  std::vector<Mutation> result;
  const std::vector<SyncUnit> units = all_units(request);
  for (const SyncUnit& unit : units) {
    if (request.progress) {
      request.progress(static_cast<int>(result.size()), static_cast<int>(units.size()));
    }
    result.push_back(leave_out(request, unit));
  }
  return result;
}

}  // namespace peal
