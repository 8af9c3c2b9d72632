// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/standstill_finding.h"

#include <fmt/format.h>

#include <algorithm>

namespace peal {
namespace {

constexpr std::size_t most_sides = 16;

FindingSide side(const StandingCore& core) {
  return {core.rank, core.core, "", core.what, {core.file, core.line}};
}

// Notifies only add, so what has gone past stays past.
bool is_past(const StandingCore& core) {
  const auto held = static_cast<std::int32_t>(core.held);
  const auto wanted = static_cast<std::int32_t>(core.wanted);
  switch (core.cmp) {
    case WaitCmp::eq:
    case WaitCmp::le:
      return held > wanted;
    case WaitCmp::lt:
      return held >= wanted;
    default:
      return false;
  }
}

}  // namespace

std::vector<Finding> standstill_findings(const Standstill& standstill, const Checker& checker) {
  std::vector<Finding> result;
  const auto& cores = standstill.cores();
  Finding deadlock{.kind = FindingClass::deadlock, .subject = {}, .sides = {}, .reason = {}};
  std::size_t waiting = 0;
  for (const StandingCore& core : cores) {
    if (core.is_finished) continue;
    ++waiting;
    if (deadlock.sides.size() < most_sides) deadlock.sides.push_back(side(core));
    if (!core.waits_for_signal || !is_past(core)) continue;
    Finding past{.kind = FindingClass::never_satisfied,
                 .subject = core.what,
                 .sides = {side(core)},
                 .reason = "notifies only add to it: no number of them can satisfy the wait"};
    for (const FindingSide& notifier : checker.notifiers(core.cell)) past.sides.push_back(notifier);
    if (result.empty()) result.push_back(past);
  }
  deadlock.subject =
      fmt::format("{} of {} cores wait and nobody can wake them", waiting, cores.size());
  for (const StandingCore& core : cores) {
    if (core.is_finished || !core.waits_for_signal) continue;
    std::vector<FindingSide> notifiers = checker.notifiers(core.cell);
    for (FindingSide& notifier : notifiers) {
      notifier.what = fmt::format("has notified what rank {} waits for", core.rank);
    }
    if (notifiers.empty()) notifiers = checker.notifiers_elsewhere(core.cell);
    for (const FindingSide& notifier : notifiers) {
      if (deadlock.sides.size() < 2 * most_sides) deadlock.sides.push_back(notifier);
    }
  }
  const auto finished = static_cast<std::size_t>(std::count_if(
      cores.begin(), cores.end(), [](const StandingCore& core) { return core.is_finished; }));
  if (finished > 0 && waiting > 0) {
    for (const StandingCore& core : cores) {
      if (!core.is_finished) continue;
      deadlock.reason += fmt::format("{}rank {}", deadlock.reason.empty() ? "" : ", ", core.rank);
    }
    deadlock.reason += finished == 1 ? " has finished and notifies nobody any more"
                                     : " have finished and notify nobody any more";
  } else if (std::none_of(cores.begin(), cores.end(),
                          [](const StandingCore& core) { return core.waits_for_signal; })) {
    deadlock.reason = "a set_flag is missing, or behind a wait_flag that is itself in vain";
  } else {
    deadlock.reason = "every core waits for another's next notify: a cycle";
  }
  result.insert(result.begin(), deadlock);
  return result;
}

}  // namespace peal
