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
#include "peal/search/looks_to_show.h"
#include "peal/search/one_run.h"

namespace peal {
namespace {

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

// One run of the subject among those of a check.
struct Plan {
  std::string schedule;
  Looks looks = {};
  // A run like it that nothing was wrong with, to hold its outputs against.
  const OneRun* like = nullptr;
  std::vector<LookRecord> asked = {};  // looks of which more is to be shown
  Checker::Memory memory = Checker::Memory::bounded;
  bool is_first = false;     // its schedule is saved
  bool has_readers = false;  // those of the request
};

// Of looks late, and at what is newest: who looks for ever then has missed what it looks for.
std::vector<Finding> missed_values(const Standstill& standstill, const Checker& checker) {
  std::vector<Finding> result;
  for (const StandingCore& core : standstill.cores()) {
    if (!core.looks_at_word) continue;
    Finding finding{
        .kind = FindingClass::missed_value,
        .subject = core.signal,
        .sides = {{core.rank,
                   core.core,
                   "",
                   "looks at it until it finds something else",
                   {core.file, core.line}}},
        .reason =
            "nothing orders the two: the loop may find nothing but what the second gives the "
            "word, which does not end it, and then it never ends"};
    const std::optional<FindingSide> last = checker.last_change(core.cell);
    if (!last) continue;
    finding.sides.push_back(*last);
    const bool is_known = std::any_of(result.begin(), result.end(), [&](const Finding& other) {
      return describe(other.sides[0].place) == describe(finding.sides[0].place);
    });
    if (!is_known) result.push_back(std::move(finding));
  }
  return result;
}

OneRun run_once(const CheckSubject& subject, const CheckRequest& request, const Plan& plan,
                EventReader* reader) {
  Checker checker(subject.switches, plan.memory);
  if (!plan.asked.empty()) checker.ask_for(plan.asked);
  RunOptions options;
  options.schedule = plan.schedule;
  options.skipped = request.skipped;
  options.looks = plan.looks;
  if (plan.is_first) options.save_schedule = request.save_schedule;
  options.readers = {&checker};
  if (reader != nullptr) options.readers.push_back(reader);
  if (plan.has_readers) {
    options.readers.insert(options.readers.end(), request.readers.begin(), request.readers.end());
  }
  OneRun result;
  std::vector<Finding> ends;  // what ended the run, or its wrong result
  SubjectOutcome outcome;
  auto end = Checker::RunEnd::failed;
  try {
    outcome = subject.run(request.ranks, options);
    end = outcome.mismatch ? Checker::RunEnd::wrong : Checker::RunEnd::right;
    if (outcome.mismatch) ends.push_back(finding_of(*outcome.mismatch));
  } catch (const Standstill& standstill) {
    result.is_standstill = true;
    if (!plan.asked.empty()) ends = missed_values(standstill, checker);
    if (ends.empty()) ends = standstill_findings(standstill, checker);
  } catch (const KernelFailure& failure) {
    ends.push_back(finding_of(failure));
  } catch (const RunError& error) {
    ends.push_back(
        {.kind = FindingClass::crash, .subject = error.what(), .sides = {}, .reason = {}});
  }
  checker.finish(end);
  if (checker.needs_whole() && !plan.has_readers) {
    Plan whole = plan;
    whole.memory = Checker::Memory::whole;
    return run_once(subject, request, whole, reader);
  }
  if (end == Checker::RunEnd::right) {
    const std::optional<Difference> difference =
        plan.like == nullptr ? std::nullopt : find_difference(plan.like->outputs, outcome.outputs);
    for (RunOutput& output : outcome.outputs) {
      const std::uint64_t begin = output.address, past = begin + output.bytes.size();
      result.outputs.push_back({std::move(output), checker.last_writes(begin, past)});
    }
    if (difference) {
      ends.push_back(unstable(*difference, plan.like->outputs[difference->output], request.schedule,
                              result.outputs[difference->output], plan.schedule));
    }
  }
  result.calls = outcome.calls;
  result.instructions = checker.kernel_instructions();
  result.window_accesses = checker.window_accesses();
  result.has_windows = checker.has_windows();
  // Who looks late finds by luck what it should have waited for: that gives no order.
  if (plan.asked.empty()) result.findings = checker.findings().sorted();
  for (Finding& found : ends) {
    result.findings.push_back(checker.findings().with_core_numbers(std::move(found)));
  }
  std::stable_sort(result.findings.begin(), result.findings.end(), is_more_important);
  result.undecided = checker.undecided();
  result.polled_words = checker.polled_words();
  result.looks = checker.looks();
  for (PlaceId place : checker.loops()) {
    const FindingLine& line = checker.findings().places().line(place);
    result.loops.push_back({line.file, line.line});
  }
  result.is_whole = plan.memory == Checker::Memory::whole;
  result.has_grown = checker.has_grown() || result.is_whole;
  result.synchronisations = checker.synchronisations();
  result.events = checker.events();
  return result;
}

// In a process of its own where the kernels are not Peal's, unless this one has to see its events.
OneRun run_apart(const CheckSubject& subject, const CheckRequest& request, const Plan& plan) {
  const auto run = [&](EventReader* reader) { return run_once(subject, request, plan, reader); };
  if (!subject.runs_kernels || plan.has_readers || !can_watch()) return run(nullptr);
  return run_isolated(run, most_blocked_seconds(subject.time_limit_seconds));
}

// New words become known as kernels go on behind looks at others.
constexpr int most_runs_for_words = 6;

// A run again until it knows every word that is polled; the plan is that of the last one.
OneRun find_polled_words(const CheckSubject& subject, const CheckRequest& request, Plan& plan) {
  OneRun run = run_apart(subject, request, plan);
  const auto is_known = [&plan](const PolledWord& word) {
    return std::any_of(plan.looks.words.begin(), plan.looks.words.end(),
                       [&](const PolledWord& known) { return known.address == word.address; });
  };
  for (int again = 1; !run.polled_words.empty(); ++again) {
    const bool is_in_vain =  // as in a run that was recorded without
        std::all_of(run.polled_words.begin(), run.polled_words.end(), is_known);
    if (is_in_vain || again == most_runs_for_words) {
      run.undecided = "the kernel looks at more words that others change than are followed";
      return run;
    }
    plan.looks.words.insert(plan.looks.words.end(), run.polled_words.begin(),
                            run.polled_words.end());
    plan.looks.order = Looks::Order::oldest_first;
    run = run_apart(subject, request, plan);
  }
  return run;
}

// Other schedules answer looks at random, but for loops: what it takes to know those is found by
// virtual time.
OneRun run_first(const CheckSubject& subject, const CheckRequest& request, Plan& plan) {
  const bool is_virtual = request.schedule == "virtual";
  plan.schedule = "virtual";
  plan.is_first = is_virtual;
  OneRun run = find_polled_words(subject, request, plan);
  if (run.is_whole) plan.memory = Checker::Memory::whole;
  plan.has_readers = !request.readers.empty();
  plan.schedule = request.schedule;
  plan.is_first = true;
  if (is_virtual) return plan.has_readers ? run_apart(subject, request, plan) : run;
  const Looks found = plan.looks;
  plan.looks.order = Looks::Order::by_schedule;
  plan.looks.loops = run.loops;
  try {
    return run_apart(subject, request, plan);
  } catch (const Error&) {  // it does not fit: a file that was recorded by virtual time
    if (found.words.empty()) throw;
    plan.looks = found;
    return run_apart(subject, request, plan);
  }
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

// Shows loops of looks what they can find and have not found in the first run.
void show_more(const CheckSubject& subject, const CheckRequest& request, Plan plan,
               const OneRun& first, CheckResult& result) {
  LooksToShow to_show(first.looks);
  while (to_show.has_next()) {
    to_show.set_next(plan.looks);
    plan.asked = to_show.looks();
    const OneRun run = run_apart(subject, request, plan);
    merge(result.findings, run, request.schedule);
    if (run.is_standstill) return;
    to_show.note_shown(run.looks);
  }
  if (to_show.looks().empty() || !result.undecided.empty()) return;
  result.undecided = "a look may find a value that was not shown to it";
}

}  // namespace

bool CheckResult::is_clean() const {
  return std::all_of(findings.begin(), findings.end(),
                     [](const CheckedFinding& finding) { return is_advice(finding.finding); });
}

CheckResult check(const CheckSubject& subject, const CheckRequest& request) {
  CheckResult result{
      .ranks = request.ranks, .findings = {}, .undecided = {}, .synchronisations = {}};
  Plan plan;
  OneRun first = run_first(subject, request, plan);
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
  plan.is_first = plan.has_readers = false;
  plan.memory = Checker::Memory::bounded;
  plan.like = &first;
  if (!has_crashed && !first.is_standstill) {
    show_more(subject, request, plan, first, result);
  }
  plan.looks.order = Looks::Order::by_schedule;
  plan.looks.loops = first.loops;
  const int more = result.undecided.empty() || has_crashed ? 0 : request.schedules;
  for (int seed = 1; seed <= more; ++seed) {
    plan.schedule = fmt::format("{}:{}", seed % 2 == 1 ? "random" : "pct", seed);
    if (request.progress) request.progress(seed, more);
    merge(result.findings, run_apart(subject, request, plan), plan.schedule);
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
