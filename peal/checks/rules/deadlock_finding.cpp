// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/rules/deadlock_finding.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace peal {
namespace {

constexpr std::size_t max_sides = 16;
constexpr std::size_t max_reasons = 16;
constexpr std::size_t max_listed = 16;  // ranks in one list

FindingSide side(const StandingCore& core) {
  return {core.rank, core.core, "", core.what, {core.file, core.line}};
}

// What a core has done to a signal, which is called `signal`.
std::string notified(const std::string& signal, std::uint64_t times) {
  return times == 1 ? fmt::format("has notified {} once", signal)
                    : fmt::format("has notified {} {} times", signal, times);
}

// True if the signal has grown past what the wait asks for. Notifies that add only raise it, so the
// wait can never be satisfied.
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

std::string list_of(const std::set<int>& ranks) {
  std::string text;
  std::size_t listed = 0;
  for (const int rank : ranks) {
    if (++listed > max_listed) {
      return text + fmt::format(" and {} more ranks", ranks.size() - max_listed);
    }
    text += fmt::format("{}rank {}", text.empty() ? "" : ", ", rank);
  }
  return text;
}

std::string who_is_silent(const StandingCore& core, bool all, const std::set<int>& silent) {
  if (all) return fmt::format("{} of rank {}: nobody has notified it", core.signal, core.rank);
  return silent.empty()
             ? fmt::format("{} of rank {}: every rank has notified it", core.signal, core.rank)
             : fmt::format("{} of rank {}: not notified by {}", core.signal, core.rank,
                           list_of(silent));
}

// Adds a reason for each line that notifies this signal, on any rank, and that at least half of the
// ranks have reached, but not all.
void add_unreached(const StandingCore& core, const Checker& checker, const std::set<int>& ranks,
                   std::vector<std::string>& reasons) {
  for (const Checker::Unreached& notify : checker.unreached_notifies(core.cell)) {
    std::set<int> missing;
    std::set_difference(ranks.begin(), ranks.end(), notify.ranks.begin(), notify.ranks.end(),
                        std::inserter(missing, missing.end()));
    if (missing.empty() || missing.size() > notify.ranks.size()) continue;
    const std::string text =
        fmt::format("{} did not come to the notify at {}, as {} did", list_of(missing),
                    describe(notify.line), list_of(notify.ranks));
    const bool is_known = std::find(reasons.begin(), reasons.end(), text) != reasons.end();
    if (!is_known && reasons.size() < max_reasons) reasons.push_back(text);
  }
}

}  // namespace

std::vector<Finding> deadlock_findings(const Deadlock& ended_in, const Checker& checker) {
  std::vector<Finding> result;
  const auto& cores = ended_in.cores();
  Finding deadlock{.kind = FindingClass::deadlock, .subject = {}, .sides = {}, .reason = {}};
  std::size_t waiting = 0;
  for (const StandingCore& core : cores) {
    if (core.is_finished) continue;
    ++waiting;
    if (deadlock.sides.size() < max_sides) deadlock.sides.push_back(side(core));
    if (!core.waits_for_signal || !is_past(core)) continue;
    Finding past{.kind = FindingClass::never_satisfied,
                 .subject = core.what,
                 .sides = {side(core)},
                 .reason = "notifies only add to it: no number of them can satisfy the wait"};
    for (Checker::Notifier& notifier : checker.notifiers(core.cell)) {
      notifier.side.what = notified("it", notifier.times);
      past.sides.push_back(std::move(notifier.side));
    }
    if (result.empty()) result.push_back(past);
  }
  deadlock.subject =
      fmt::format("{} of {} cores wait and nobody can wake them", waiting, cores.size());
  const bool polls =
      std::any_of(cores.begin(), cores.end(), [](const StandingCore& core) { return core.polls; });
  if (polls) deadlock.subject = "a core polls, and nobody changes what it looks at";
  std::set<int> ranks;
  for (const StandingCore& core : cores) ranks.insert(core.rank);
  std::vector<std::string> reasons;
  bool is_unheard = false;  // nobody has notified a signal that a core waits for
  for (const StandingCore& core : cores) {
    if (core.is_finished || !core.waits_for_signal) continue;
    std::vector<Checker::Notifier> notifiers = checker.notifiers(core.cell);
    is_unheard = is_unheard || notifiers.empty();
    std::set<int> silent = ranks;
    for (auto& [notifier, times] : notifiers) {
      silent.erase(notifier.rank);
      notifier.what =
          fmt::format("{}, for which rank {} waits", notified(core.signal, times), core.rank);
      if (deadlock.sides.size() < 2 * max_sides) deadlock.sides.push_back(std::move(notifier));
    }
    if (reasons.size() < max_reasons && ranks.size() > 1) {
      reasons.push_back(who_is_silent(core, notifiers.empty(), silent));
    }
    add_unreached(core, checker, ranks, reasons);
  }
  const auto finished = static_cast<std::size_t>(std::count_if(
      cores.begin(), cores.end(), [](const StandingCore& core) { return core.is_finished; }));
  if (polls) {
    deadlock.reason = "a notify of it, or a store to it, is missing, or behind a wait in vain";
  } else if (finished > 0 && waiting > 0) {
    for (const StandingCore& core : cores) {
      if (!core.is_finished) continue;
      deadlock.reason += fmt::format("{}rank {}", deadlock.reason.empty() ? "" : ", ", core.rank);
    }
    deadlock.reason += finished == 1 ? " has finished and notifies nobody any more"
                                     : " have finished and notify nobody any more";
  } else if (std::none_of(cores.begin(), cores.end(),
                          [](const StandingCore& core) { return core.waits_for_signal; })) {
    deadlock.reason =
        std::any_of(cores.begin(), cores.end(),
                    [](const StandingCore& core) { return core.looks_at_word; })
            ? "a store of what the loop looks for is missing, or behind a wait in vain"
            : "a set_flag is missing, or behind a wait_flag that is itself in vain";
  } else if (is_unheard) {
    deadlock.reason =
        "nobody has notified what some of them wait for: the notify is missing, or comes after "
        "one of these waits";
  } else {
    deadlock.reason = "every core waits for another's next notify: a cycle";
  }
  for (const std::string& reason : reasons) deadlock.reason += "\n  " + reason;
  result.insert(result.begin(), deadlock);
  return result;
}

}  // namespace peal
