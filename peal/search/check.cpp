// SPDX-License-Identifier: Apache-2.0
#include "peal/search/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include "peal/base/error.h"
#include "peal/base/watched_process.h"
#include "peal/checks/checker.h"
#include "peal/checks/standstill_finding.h"
#include "peal/machine/dtype.h"
#include "peal/machine/kernel_failure.h"
#include "peal/machine/standstill.h"
#include "peal/search/isolated_run.h"
#include "peal/search/one_run.h"

namespace peal {
namespace {

// A kernel that waits for the system, not for a peer, is given so long.
constexpr double least_blocked_seconds = 5;

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

// The first element in which two runs' outputs differ, if any.
struct Difference {
  std::size_t output = 0, element = 0;
  double first = 0, other = 0;
  bool is_mild = true;  // within what another order of float additions can give
};
template <class T>
double number_of(T value) {
  if constexpr (std::is_arithmetic_v<T>) {
    return static_cast<double>(value);
  } else {
    return static_cast<double>(static_cast<float>(value));
  }
}
std::optional<Difference> find_difference(const std::vector<WrittenOutput>& first,
                                          const std::vector<RunOutput>& other) {
  std::optional<Difference> found;
  for (std::size_t i = 0; i < std::min(first.size(), other.size()); ++i) {
    const RunOutput& a = first[i].output;
    const RunOutput& b = other[i];
    if (a.bytes == b.bytes || a.bytes.size() != b.bytes.size()) continue;
    with_type(a.dtype, [&](auto zero) {
      using T = decltype(zero);
      for (std::size_t element = 0; element < a.bytes.size() / sizeof(T); ++element) {
        T left, right;
        std::memcpy(&left, a.bytes.data() + element * sizeof(T), sizeof(T));
        std::memcpy(&right, b.bytes.data() + element * sizeof(T), sizeof(T));
        if (std::memcmp(&left, &right, sizeof(T)) == 0) continue;
        const double x = number_of(left), y = number_of(right);
        if (x == y) continue;  // zeros of either sign
        const bool is_mild = !std::is_integral_v<T> && std::abs(x - y) <= a.tolerance;
        if (found && (is_mild || !found->is_mild)) continue;
        found = {i, element, x, y, is_mild};
      }
    });
  }
  return found;
}

Finding unstable(const Difference& difference, const WrittenOutput& first,
                 const std::string& first_schedule, const WrittenOutput& other,
                 const std::string& schedule) {
  Finding finding{.kind = FindingClass::unstable_result,
                  .subject = fmt::format("{} element {} is {} under schedule {} and {} under {}",
                                         first.output.name, difference.element, difference.first,
                                         first_schedule, difference.other, schedule),
                  .sides = {},
                  .reason = {}};
  const std::uint64_t address =
      first.output.address + difference.element * size_bytes(first.output.dtype);
  for (const WrittenOutput* written : {&first, &other}) {
    for (const Checker::LastWrite& write : written->writes) {
      if (address < write.begin || address >= write.end) continue;
      FindingSide side = write.side;
      side.what += fmt::format(" under {}", written == &first ? first_schedule : schedule);
      finding.sides.push_back(std::move(side));
    }
  }
  finding.is_mild = difference.is_mild;
  finding.reason = difference.is_mild ? "another order of floating-point additions can give this"
                                      : "the value depends on the order in which ranks come";
  return finding;
}

// The same run as the first, under another schedule, is held against it.
OneRun run_once(const CheckSubject& subject, const CheckRequest& request,
                const std::string& schedule, const OneRun* first_run, Checker::Memory memory,
                EventReader* reader) {
  const bool is_first = first_run == nullptr;
  Checker checker(subject.switches, memory);
  RunOptions options;
  options.schedule = schedule;
  options.skipped = request.skipped;
  if (is_first) options.save_schedule = request.save_schedule;
  options.readers = {&checker};
  if (reader != nullptr) options.readers.push_back(reader);
  if (is_first) {
    options.readers.insert(options.readers.end(), request.readers.begin(), request.readers.end());
  }
  std::vector<Finding> ends;  // what ended the run, or its wrong result
  SubjectOutcome outcome;
  auto end = Checker::RunEnd::failed;
  try {
    outcome = subject.run(request.ranks, options);
    end = outcome.mismatch ? Checker::RunEnd::wrong : Checker::RunEnd::right;
    if (outcome.mismatch) ends.push_back(finding_of(*outcome.mismatch));
  } catch (const Standstill& standstill) {
    ends = standstill_findings(standstill, checker);
  } catch (const KernelFailure& failure) {
    ends.push_back(finding_of(failure));
  } catch (const RunError& error) {
    ends.push_back(
        {.kind = FindingClass::crash, .subject = error.what(), .sides = {}, .reason = {}});
  }
  checker.finish(end);
  if (checker.needs_whole()) {
    return run_once(subject, request, schedule, first_run, Checker::Memory::whole, reader);
  }
  OneRun result;
  if (end == Checker::RunEnd::right) {
    const std::optional<Difference> difference =
        is_first ? std::nullopt : find_difference(first_run->outputs, outcome.outputs);
    for (RunOutput& output : outcome.outputs) {
      const std::uint64_t begin = output.address, past = begin + output.bytes.size();
      result.outputs.push_back({std::move(output), checker.last_writes(begin, past)});
    }
    if (difference) {
      ends.push_back(unstable(*difference, first_run->outputs[difference->output], request.schedule,
                              result.outputs[difference->output], schedule));
    }
  }
  result.calls = outcome.calls;
  result.instructions = checker.kernel_instructions();
  result.window_accesses = checker.window_accesses();
  result.has_windows = checker.has_windows();
  result.findings = checker.findings().sorted();
  for (Finding& found : ends) {
    result.findings.push_back(checker.findings().with_core_numbers(std::move(found)));
  }
  std::stable_sort(result.findings.begin(), result.findings.end(), is_more_important);
  result.undecided = checker.undecided();
  result.has_grown = checker.has_grown() || memory == Checker::Memory::whole;
  result.synchronisations = checker.synchronisations();
  result.events = checker.events();
  return result;
}

// In a process of its own where the kernels are not Peal's, unless this one has to see its events.
OneRun run_apart(const CheckSubject& subject, const CheckRequest& request,
                 const std::string& schedule, const OneRun* first_run) {
  const auto run = [&](EventReader* reader) {
    return run_once(subject, request, schedule, first_run, Checker::Memory::bounded, reader);
  };
  const bool has_readers = first_run == nullptr && !request.readers.empty();
  if (!subject.runs_kernels || has_readers || !can_watch()) return run(nullptr);
  return run_isolated(run, std::max(least_blocked_seconds, 2 * subject.time_limit_seconds));
}

// Whether both say the same of the same lines.
bool is_same(const Finding& a, const Finding& b) {
  if (a.kind != b.kind || a.is_mild != b.is_mild) return false;
  if (a.kind == FindingClass::wrong_result || a.kind == FindingClass::deadlock ||
      a.kind == FindingClass::unstable_result) {
    return true;
  }
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
void merge(std::vector<CheckedFinding>& all, const OneRun& run, const std::string& schedule) {
  for (const Finding& finding : run.findings) {
    const auto known = std::find_if(all.begin(), all.end(), [&](const CheckedFinding& other) {
      return is_same(other.finding, finding);
    });
    const bool ends =
        finding.kind == FindingClass::wrong_result || finding.kind == FindingClass::deadlock;
    if (known == all.end()) {
      all.push_back({finding, schedule, run.events});
    } else if (ends && known->schedule != schedule && run.events < known->events) {
      *known = {finding, schedule, run.events};
    }
  }
}

}  // namespace

bool CheckResult::is_clean() const {
  return std::all_of(findings.begin(), findings.end(),
                     [](const CheckedFinding& finding) { return is_advice(finding.finding); });
}

CheckResult check(const CheckSubject& subject, const CheckRequest& request) {
  CheckResult result{
      .ranks = request.ranks, .findings = {}, .undecided = {}, .synchronisations = {}};
  OneRun first = run_apart(subject, request, request.schedule, nullptr);
  result.calls = first.calls;
  result.instructions = first.instructions;
  result.has_windows = first.has_windows;
  result.window_accesses = first.window_accesses;
  result.undecided = first.undecided;
  result.has_grown = first.has_grown;
  result.synchronisations = std::move(first.synchronisations);
  merge(result.findings, first, request.schedule);
  // A kernel that does not come to its end does so in no schedule, and takes long to.
  const bool has_crashed =
      std::any_of(first.findings.begin(), first.findings.end(),
                  [](const Finding& finding) { return finding.kind == FindingClass::crash; });
  const int more = result.undecided.empty() || has_crashed ? 0 : request.schedules;
  for (int seed = 1; seed <= more; ++seed) {
    const std::string schedule = fmt::format("{}:{}", seed % 2 == 1 ? "random" : "pct", seed);
    if (request.progress) request.progress(seed, more);
    merge(result.findings, run_apart(subject, request, schedule, &first), schedule);
    ++result.schedules;
  }
  std::stable_sort(result.findings.begin(), result.findings.end(),
                   [](const CheckedFinding& a, const CheckedFinding& b) {
                     return is_more_important(a.finding, b.finding);
                   });
  return result;
}

std::string verdict(const CheckResult& result) {
  if (!result.is_clean()) {
    const auto count =
        std::count_if(result.findings.begin(), result.findings.end(),
                      [](const CheckedFinding& finding) { return !is_advice(finding.finding); });
    return fmt::format("{} finding{}", count, count == 1 ? "" : "s");
  }
  std::string seen;
  if (result.calls > 0) {
    seen = fmt::format("; {} call{}", result.calls, result.calls == 1 ? "" : "s");
  }
  if (result.has_windows) {
    seen += fmt::format("{} {} window access{}", seen.empty() ? ";" : ",", result.window_accesses,
                        result.window_accesses == 1 ? "" : "es");
  }
  if (result.undecided.empty()) return fmt::format("clean (exact{})", seen);
  return fmt::format("clean ({} schedule{} searched, because {}{})", result.schedules,
                     result.schedules == 1 ? "" : "s", result.undecided, seen);
}

}  // namespace peal
