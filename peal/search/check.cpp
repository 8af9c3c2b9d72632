// SPDX-License-Identifier: Apache-2.0
#include "peal/search/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "peal/base/error.h"
#include "peal/base/watched_process.h"
#include "peal/checks/checker.h"
#include "peal/checks/standstill_finding.h"
#include "peal/machine/kernel_failure.h"
#include "peal/machine/standstill.h"
#include "peal/search/isolated_run.h"
#include "peal/search/looks_to_show.h"
#include "peal/search/one_run.h"
#include "peal/search/output_difference.h"

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
void add(std::vector<CheckedFinding>& all, CheckedFinding found) {
  const auto known = std::find_if(all.begin(), all.end(), [&](const CheckedFinding& other) {
    return is_same(other.finding, found.finding);
  });
  const bool ends = found.finding.kind == FindingClass::wrong_result ||
                    found.finding.kind == FindingClass::deadlock;
  if (known == all.end()) {
    all.push_back(std::move(found));
  } else if (ends && known->schedule != found.schedule && found.events < known->events) {
    *known = std::move(found);
  }
}
void merge(std::vector<CheckedFinding>& all, const OneRun& run, const std::string& schedule) {
  for (const Finding& finding : run.findings) add(all, {finding, schedule, run.events});
}

// One run of the subject among those of a check.
struct Plan {
  std::string schedule;
  Looks looks = {};
  // A run like it that nothing was wrong with, to hold its outputs against.
  const OneRun* like = nullptr;
  std::vector<LookRecord> asked = {};  // looks of which more is to be shown
  bool is_late = false;                // so that one who looks for ever has missed a value
  bool ends_alone = false;  // not all loops are known, and so findings may only look like some
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

// Where a loop is shown each value 64 times, one that finds the last as often counts its looks.
constexpr std::uint32_t most_repeats = 62;

OneRun run_once(const CheckSubject& subject, const CheckRequest& request, const Plan& plan,
                EventReader* reader) {
  Checker checker(subject.switches, plan.memory);
  checker.ask_for(plan.asked);
  if (!plan.looks.words.empty()) checker.follow_program();
  if (!plan.looks.patient.empty()) checker.allow_repeats(most_repeats);
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
    if (plan.is_late) ends = missed_values(standstill, checker);
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
  if (!plan.ends_alone) result.findings = checker.findings().sorted();
  for (Finding& found : ends) {
    result.findings.push_back(checker.findings().with_core_numbers(std::move(found)));
  }
  std::stable_sort(result.findings.begin(), result.findings.end(), is_more_important);
  result.undecided = checker.undecided();
  result.polled_words = checker.polled_words();
  result.looks = checker.looks();
  const auto add_line = [&checker](std::vector<SkippedSync>& lines, PlaceId place) {
    const FindingLine& line = checker.findings().places().line(place);
    lines.push_back({line.file, line.line});
  };
  for (PlaceId place : checker.loops()) add_line(result.loops, place);
  for (PlaceId place : checker.contradicted()) add_line(result.contradicted, place);
  result.program = checker.program();
  result.knows_all_looks = checker.knows_all_looks();
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

constexpr const char* goes_by_looks = "what the kernel does depends on what a look finds";

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

bool has_line(const std::vector<SkippedSync>& lines, const SkippedSync& line) {
  return std::any_of(lines.begin(), lines.end(), [&](const SkippedSync& known) {
    return known.line == line.line && known.file == line.file;
  });
}

// Loops should end by the value that they find, and by nothing else. One run shows them from the
// beginning what has ended them in the last one, and again as long as they ask for it; another one
// shows them each value several times. Lines on which loops go on, or end, against that are several
// loops, or count: they are shown each value many times. Returns the first run as it is by that;
// what else has been found is merged into the findings.
OneRun verify_loops(const CheckSubject& subject, const CheckRequest& request, Plan& plan,
                    OneRun run, std::vector<CheckedFinding>& findings) {
  constexpr int most_rounds = 4;
  constexpr std::uint32_t several_times = 8;
  for (int round = 0; round < most_rounds && !run.loops.empty() && !run.is_standstill; ++round) {
    std::vector<SkippedSync> contradicted;
    std::vector<CheckedFinding> found;
    std::string undecided = run.undecided;
    for (const bool as_wanted : {true, false}) {
      if (!as_wanted && !run.knows_all_looks) break;  // that would take long
      Plan verify = plan;
      verify.is_first = false;
      verify.asked = run.looks;
      verify.ends_alone = !run.knows_all_looks;
      if (as_wanted) {
        verify.looks.order = Looks::Order::as_wanted;
        for (const LookRecord& look : run.looks) {
          verify.looks.wanted.push_back({look.core, look.number, {look.found}});
        }
      } else {
        verify.looks.patience = several_times;
      }
      const OneRun verified = run_apart(subject, request, verify);
      for (const SkippedSync& line : verified.contradicted) {
        if (!has_line(plan.looks.patient, line)) contradicted.push_back(line);
      }
      merge(found, verified, request.schedule);
      if (undecided.empty()) undecided = verified.undecided;
      if (undecided.empty() && verified.program != run.program) undecided = goes_by_looks;
    }
    if (contradicted.empty()) {
      for (CheckedFinding& each : found) add(findings, std::move(each));
      run.undecided = undecided;
      return run;
    }
    plan.looks.patient.insert(plan.looks.patient.end(), contradicted.begin(), contradicted.end());
    run = find_polled_words(subject, request, plan);
  }
  return run;
}

// What else does not end loops shows under other schedules, where others come first. Returns the
// first run as it is by all that is known.
OneRun learn_failed(const CheckSubject& subject, const CheckRequest& request, Plan& plan,
                    OneRun run) {
  constexpr int schedules = 8;
  const bool may_help = !run.findings.empty() && run.knows_all_looks && !run.is_standstill &&
                        std::any_of(run.looks.begin(), run.looks.end(),
                                    [](const LookRecord& look) { return !look.not_shown.empty(); });
  if (!may_help) return run;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::set<std::uint64_t>> failed;
  Plan other = plan;
  other.is_first = false;
  other.asked = run.looks;
  for (const LookRecord& look : run.looks) {
    failed[{look.core, look.number}].insert(look.failed.begin(), look.failed.end());
  }
  bool is_more = false;
  for (int seed = 1; seed <= schedules; ++seed) {
    other.schedule = fmt::format("{}:{}", seed % 2 == 1 ? "random" : "pct", seed);
    const OneRun learned = run_apart(subject, request, other);
    const bool is_other = learned.program != run.program ||
                          std::any_of(learned.contradicted.begin(), learned.contradicted.end(),
                                      [&plan](const SkippedSync& line) {
                                        return !has_line(plan.looks.patient, line);
                                      });
    if (is_other) return run;
    for (const LookRecord& look : learned.looks) {
      for (std::uint64_t value : look.failed) {
        is_more = failed[{look.core, look.number}].insert(value).second || is_more;
      }
    }
  }
  if (!is_more) return run;
  plan.asked = run.looks;
  for (LookRecord& look : plan.asked) {
    const std::set<std::uint64_t>& all = failed[{look.core, look.number}];
    look.failed.assign(all.begin(), all.end());
  }
  return run_apart(subject, request, plan);
}

// Other schedules answer looks at random, but for loops: what it takes to know those is found by
// virtual time.
OneRun run_first(const CheckSubject& subject, const CheckRequest& request, Plan& plan,
                 std::vector<CheckedFinding>& findings) {
  const bool is_virtual = request.schedule == "virtual";
  plan.schedule = "virtual";
  plan.is_first = is_virtual;
  OneRun run = find_polled_words(subject, request, plan);
  if (!subject.is_recorded) {
    run = verify_loops(subject, request, plan, std::move(run), findings);
    run = learn_failed(subject, request, plan, std::move(run));
  }
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

// Shows loops of looks what they can find and have not found in the first run.
void show_more(const CheckSubject& subject, const CheckRequest& request, Plan plan,
               const OneRun& first, CheckResult& result) {
  LooksToShow to_show(first.looks);
  plan.schedule = "virtual";  // a recorded one would not fit
  plan.is_late = true;
  plan.asked = first.looks;
  plan.ends_alone = !first.knows_all_looks;
  while (to_show.has_next()) {
    to_show.set_next(plan.looks);
    const OneRun run = run_apart(subject, request, plan);
    merge(result.findings, run, request.schedule);
    if (run.is_standstill) return;
    to_show.note_shown(run.looks);
    if (result.undecided.empty() && run.program != first.program) result.undecided = goes_by_looks;
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
  std::vector<CheckedFinding> beside;
  OneRun first = run_first(subject, request, plan, beside);
  result.calls = first.calls;
  result.instructions = first.instructions;
  result.has_windows = first.has_windows;
  result.window_accesses = first.window_accesses;
  result.undecided = first.undecided;
  result.has_grown = first.has_grown;
  result.synchronisations = std::move(first.synchronisations);
  merge(result.findings, first, request.schedule);
  for (CheckedFinding& each : beside) add(result.findings, std::move(each));
  // A kernel that does not come to its end does so in no schedule, and takes long to.
  const bool has_crashed =
      std::any_of(first.findings.begin(), first.findings.end(),
                  [](const Finding& finding) { return finding.kind == FindingClass::crash; });
  plan.is_first = plan.has_readers = false;
  plan.asked.clear();
  plan.memory = Checker::Memory::bounded;
  plan.like = &first;
  const bool has_more = !LooksToShow(first.looks).looks().empty();
  if (subject.is_recorded && has_more && result.undecided.empty()) {
    result.undecided = "a look may find a value that was not shown to it";
  } else if (!has_crashed && !first.is_standstill && !subject.is_recorded) {
    show_more(subject, request, plan, first, result);
  }
  plan.looks.order = Looks::Order::by_schedule;
  plan.looks.loops = first.loops;
  const bool is_searched = !result.undecided.empty() && !has_crashed && !subject.is_recorded;
  const int more = is_searched ? request.schedules : 0;
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
