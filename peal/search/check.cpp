// SPDX-License-Identifier: Apache-2.0
#include "peal/search/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "peal/base/error.h"
#include "peal/checks/checker.h"
#include "peal/checks/standstill_finding.h"
#include "peal/machine/kernel_failure.h"
#include "peal/machine/standstill.h"

namespace peal {
namespace {

struct OneRun {
  std::vector<Finding> findings;
  std::string undecided;
  bool has_grown = false;
  std::uint64_t events = 0;
  std::vector<SyncUnit> synchronisations;
};

Finding finding_of(const KernelFailure& failure) {
  const bool outside = failure.kind() == KernelFailure::Kind::out_of_bounds;
  return {.kind = outside ? FindingClass::out_of_bounds : FindingClass::crash,
          .subject = failure.what_happened(),
          .sides = {{failure.rank(), failure.core(), "", "", {failure.file(), failure.line()}}},
          .reason = {}};
}

Finding finding_of(const std::string& mismatch) {
  return {.kind = FindingClass::wrong_result, .subject = mismatch, .sides = {}, .reason = {}};
}

OneRun run_once(const CheckSubject& subject, const CheckRequest& request,
                const std::string& schedule, bool is_first, Checker::Memory memory) {
  Checker checker(subject.switches, memory);
  RunOptions options;
  options.schedule = schedule;
  options.skipped = request.skipped;
  if (is_first) options.save_schedule = request.save_schedule;
  options.readers = {&checker};
  if (is_first) {
    options.readers.insert(options.readers.end(), request.readers.begin(), request.readers.end());
  }
  std::vector<Finding> ends;  // what ended the run, or its wrong result
  try {
    const std::optional<std::string> mismatch = subject.run(request.ranks, options);
    if (mismatch) ends.push_back(finding_of(*mismatch));
  } catch (const Standstill& standstill) {
    ends = standstill_findings(standstill, checker);
  } catch (const KernelFailure& failure) {
    ends.push_back(finding_of(failure));
  } catch (const RunError& error) {
    ends.push_back(
        {.kind = FindingClass::crash, .subject = error.what(), .sides = {}, .reason = {}});
  }
  checker.finish(!ends.empty());
  if (checker.needs_whole()) {
    return run_once(subject, request, schedule, false, Checker::Memory::whole);
  }
  OneRun result;
  result.findings = checker.findings().sorted();
  for (Finding& end : ends) {
    result.findings.push_back(checker.findings().with_core_numbers(std::move(end)));
  }
  std::stable_sort(result.findings.begin(), result.findings.end(),
                   [](const Finding& a, const Finding& b) { return a.kind < b.kind; });
  result.undecided = checker.undecided();
  result.has_grown = checker.has_grown() || memory == Checker::Memory::whole;
  result.synchronisations = checker.synchronisations();
  result.events = checker.events();
  return result;
}

// Whether both say the same of the same lines.
bool is_same(const Finding& a, const Finding& b) {
  if (a.kind != b.kind) return false;
  if (a.kind == FindingClass::wrong_result || a.kind == FindingClass::deadlock) return true;
  const auto lines = [](const Finding& finding) {
    std::vector<std::pair<std::string, std::uint32_t>> all;
    for (const FindingSide& side : finding.sides) {
      all.emplace_back(side.place.file, side.place.line);
    }
    std::sort(all.begin(), all.end());
    return all;
  };
  return lines(a) == lines(b) && (!a.sides.empty() || a.subject == b.subject);
}

// Of a deadlock or a wrong result the shortest run tells most; what else is found in the first one
// stays as it was found there.
void merge(std::vector<CheckedFinding>& all, OneRun&& run, const std::string& schedule) {
  for (Finding& finding : run.findings) {
    const auto known = std::find_if(all.begin(), all.end(), [&](const CheckedFinding& other) {
      return is_same(other.finding, finding);
    });
    const bool ends =
        finding.kind == FindingClass::wrong_result || finding.kind == FindingClass::deadlock;
    if (known == all.end()) {
      all.push_back({std::move(finding), schedule, run.events});
    } else if (ends && known->schedule != schedule && run.events < known->events) {
      *known = {std::move(finding), schedule, run.events};
    }
  }
}

}  // namespace

bool CheckResult::is_clean() const {
  return std::all_of(findings.begin(), findings.end(),
                     [](const CheckedFinding& finding) { return is_advice(finding.finding.kind); });
}

CheckResult check(const CheckSubject& subject, const CheckRequest& request) {
  CheckResult result{
      .ranks = request.ranks, .findings = {}, .undecided = {}, .synchronisations = {}};
  OneRun first = run_once(subject, request, request.schedule, true, Checker::Memory::bounded);
  result.undecided = first.undecided;
  result.has_grown = first.has_grown;
  result.synchronisations = std::move(first.synchronisations);
  merge(result.findings, std::move(first), request.schedule);
  const int more = result.undecided.empty() ? 0 : request.schedules;
  for (int seed = 1; seed <= more; ++seed) {
    const std::string schedule = fmt::format("{}:{}", seed % 2 == 1 ? "random" : "pct", seed);
    if (request.progress) request.progress(seed, more);
    merge(result.findings, run_once(subject, request, schedule, false, Checker::Memory::bounded),
          schedule);
    ++result.schedules;
  }
  std::stable_sort(result.findings.begin(), result.findings.end(),
                   [](const CheckedFinding& a, const CheckedFinding& b) {
                     return a.finding.kind < b.finding.kind;
                   });
  return result;
}

std::string verdict(const CheckResult& result) {
  if (!result.is_clean()) {
    const auto count = std::count_if(
        result.findings.begin(), result.findings.end(),
        [](const CheckedFinding& finding) { return !is_advice(finding.finding.kind); });
    return fmt::format("{} finding{}", count, count == 1 ? "" : "s");
  }
  if (result.undecided.empty()) return "clean (exact)";
  return fmt::format("clean ({} schedule{} searched, because {})", result.schedules,
                     result.schedules == 1 ? "" : "s", result.undecided);
}

}  // namespace peal
