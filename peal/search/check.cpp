// SPDX-License-Identifier: Apache-2.0
#include "peal/search/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "peal/base/error.h"
#include "peal/checks/checker.h"
#include "peal/search/checked_run.h"
#include "peal/search/looks_to_show.h"
#include "peal/search/one_run.h"
#include "peal/search/short_loops.h"

namespace peal {
namespace {

// Overview: which runs a check makes.
//
// One run decides for all schedules (peal/checks) unless scalar code branches on words that other
// cores change. Polled words make that hard, because the order that a spin loop gives depends on
// which values end it, and the loop must first be recognised. So a check goes through these steps;
// without polled words, only the first run of step 1 and, for another schedule, step 4 are made.
//   1. find_polled_words: by virtual time, until every polled word was declared from the start. It
//      then asks find_short_loops which single looks are loops.
//   2. verify_loops: do the loops end by the value alone? Runs that repeat values, or show them at
//      once, contradict loops that count. learn_failed finds out which other values fail.
//   3. The result of 1 and 2 is the first run. The next steps compare others with it
//      (OneRun::program): equal means that the kernel took the same branches.
//   4. run_first: the first run under the requested schedule, with the loops known.
//   5. show_more: loops are shown what they could find in another schedule and have not found.
//   6. If something remains undecided, a search: random and PCT schedules.
// A run is exact (CheckResult::undecided is empty) if 2 and 5 leave no doubt.

// True if both findings say the same about the same lines.
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

// Adds a finding unless it is known. Of a deadlock or a wrong result the run with the fewest events
// is kept, as it is the easiest to understand; of others, the first run.
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

constexpr const char* goes_by_looks = "what the kernel does depends on what a look finds";
constexpr const char* not_all_shown = "a look may find a value that was not shown to it";

// Schedule number `seed` of a search, from 1: random and PCT (few preemptions) in turn.
std::string searched_schedule(int seed) {
  return fmt::format("{}:{}", seed % 2 == 1 ? "random" : "pct", seed);
}

// One run does not find all polled words: others appear when a kernel gets past its looks at known
// ones.
constexpr int max_runs_for_words = 6;

// Repeats the run until it reports no undeclared polled word, adding those found to plan.looks;
// then once more, if it has short loops. Returns the last run, to which `plan` belongs.
OneRun find_polled_words(const CheckSubject& subject, const CheckRequest& request, Plan& plan) {
  OneRun run = run_apart(subject, request, plan);
  const auto is_known = [&plan](const PolledWord& word) {
    return std::any_of(plan.looks.words.begin(), plan.looks.words.end(),
                       [&](const PolledWord& known) { return known.address == word.address; });
  };
  for (int again = 1; !run.polled_words.empty(); ++again) {
    const bool is_in_vain =  // declaring them has no effect, as in a recorded run
        std::all_of(run.polled_words.begin(), run.polled_words.end(), is_known);
    if (is_in_vain || again == max_runs_for_words) {
      run.undecided = "the kernel looks at more words that others change than are followed";
      return run;
    }
    plan.looks.words.insert(plan.looks.words.end(), run.polled_words.begin(),
                            run.polled_words.end());
    plan.looks.order = Looks::Order::oldest_first;
    run = run_apart(subject, request, plan);
  }
  if (!find_short_loops(subject, request, plan, run)) return run;
  return run_apart(subject, request, plan);
}

// The lines of loops that the run contradicts and that are not yet patient.
std::vector<KernelLine> new_contradictions(const OneRun& run, const Plan& plan) {
  std::vector<KernelLine> result = run.contradicted;
  std::erase_if(result, [&known = plan.looks.patient](const KernelLine& line) {
    return std::find(known.begin(), known.end(), line) != known.end();
  });
  return result;
}

using FailedValues = std::map<std::pair<std::uint32_t, std::uint32_t>, std::set<std::uint64_t>>;

// Adds the values that failed to end loops in another run; returns true if any was new.
bool add_failed(FailedValues& failed, const OneRun& run) {
  bool is_more = false;
  for (const LookRecord& look : run.looks) {
    for (std::uint64_t value : look.failed) {
      is_more = failed[{look.core, look.number}].insert(value).second || is_more;
    }
  }
  return is_more;
}

// Makes runs in which loops find the values that they were not shown, one after the other until one
// ends them, whatever the word really holds. That is legitimate because a loop ends by the value
// alone. Each run continues with the values that the ones before did not show. Calls `take(run)`
// for each run, and stops when that returns false. Returns true if `take` accepted every run.
template <class Take>
bool invent(const CheckSubject& subject, const CheckRequest& request, Plan plan,
            const std::vector<LookRecord>& looks, const Take& take) {
  constexpr int max_runs = 64;
  constexpr std::size_t max_values = 100000;  // limits the time
  plan.looks.order = Looks::Order::invented;
  std::size_t values = 0;
  for (const LookRecord& look : looks) {
    if (look.not_shown.empty()) continue;
    plan.looks.wanted.push_back({look.core, look.number, look.not_shown});
    values += look.not_shown.size();
  }
  if (values > max_values) return false;
  for (int run = 0; run < max_runs && !plan.looks.wanted.empty(); ++run) {
    const OneRun invented = run_apart(subject, request, plan);
    if (!take(invented)) return false;
    const LooksByNumber shown = by_number(invented.looks);
    std::erase_if(plan.looks.wanted, [&shown](Looks::Wanted& wanted) {
      const auto look = shown.find({wanted.core, wanted.number});
      if (look == shown.end()) return true;
      std::erase_if(wanted.values,
                    [&look](std::uint64_t value) { return look->second->has_been_shown(value); });
      return wanted.values.empty();
    });
  }
  return true;
}

// Learns which further values do not end loops, which gives the loops more order (lemma 5 of
// checks/order/signal_order.h): first from invented values. If the kernel takes other branches when
// an invented value ends a loop, and `run` has findings that more order may remove, then from a few
// other schedules, in which words have their values in another order. Only runs that take the same
// branches as `run` count. Returns `run`, made again with everything learned.
OneRun learn_failed(const CheckSubject& subject, const CheckRequest& request, Plan& plan,
                    OneRun run) {
  constexpr int schedules = 8;
  const bool may_help = run.knows_all_looks && !run.is_deadlock &&
                        std::any_of(run.looks.begin(), run.looks.end(),
                                    [](const LookRecord& look) { return !look.not_shown.empty(); });
  if (!may_help) return run;
  FailedValues failed;
  add_failed(failed, run);
  Plan other = plan;
  other.is_first = false;
  other.asked = run.looks;
  bool is_more = false;
  const auto learn = [&](const OneRun& learned) {
    if (learned.program != run.program || !new_contradictions(learned, plan).empty()) return false;
    is_more = add_failed(failed, learned) || is_more;
    return true;
  };
  if (!invent(subject, request, other, run.looks, learn) && !run.findings.empty()) {
    for (int seed = 1; seed <= schedules; ++seed) {
      other.schedule = searched_schedule(seed);
      if (!learn(run_apart(subject, request, other))) break;
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

// Tests the premise of lemma 5, that a loop of looks ends by the value alone, with two runs:
//   - as_wanted: each loop finds from its first look on the value that ended it in `run`, as often
//     as it looks. It must end at once.
//   - several_times: each value is shown to a loop seven times in a row. The same values must fail.
// And how often they look must not reach a result: the outputs are compared with those of `run`.
// A line on which a loop does otherwise is contradicted: it has several loops, or counts its looks.
// It becomes patient (each value is shown many times, so that a count runs out, and the checker
// accepts repeats), and everything starts again. After max_rounds the loops are left as they are.
// Returns the first run under the final plan. Adds what the verifying runs found to `findings`.
OneRun verify_loops(const CheckSubject& subject, const CheckRequest& request, Plan& plan,
                    OneRun run, std::vector<CheckedFinding>& findings) {
  constexpr int max_rounds = 4;
  constexpr std::uint32_t several_times = 7;
  for (int round = 0; round < max_rounds && !run.loops.empty() && !run.is_deadlock; ++round) {
    run = learn_failed(subject, request, plan, std::move(run));
    std::vector<KernelLine> contradicted;
    std::vector<CheckedFinding> found;
    std::string undecided = run.undecided;
    for (const bool as_wanted : {true, false}) {
      if (!as_wanted && !run.knows_all_looks) break;  // too many loops: it would take too long
      Plan verify = plan;
      verify.is_first = false;
      verify.like = &run;
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
      const std::vector<KernelLine> lines = new_contradictions(verified, plan);
      contradicted.insert(contradicted.end(), lines.begin(), lines.end());
      merge(found, verified, request.schedule);
      if (undecided.empty()) undecided = verified.undecided;
      if (undecided.empty() && verified.program != run.program) undecided = goes_by_looks;
    }
    if (contradicted.empty()) {
      for (CheckedFinding& each : found) add(findings, std::move(each));
      run.undecided = undecided;
      return run;
    }
    plan.asked.clear();
    plan.looks.patient.insert(plan.looks.patient.end(), contradicted.begin(), contradicted.end());
    run = find_polled_words(subject, request, plan);
  }
  return run;
}

// Steps 1 to 4. Polled words and loops are always found by virtual time. Only then the requested
// schedule is run: it answers looks with what the words hold, except those of known loops.
OneRun run_first(const CheckSubject& subject, const CheckRequest& request, Plan& plan,
                 std::vector<CheckedFinding>& findings) {
  const bool is_virtual = request.schedule == "virtual";
  plan.schedule = "virtual";
  plan.is_first = is_virtual;
  OneRun run = find_polled_words(subject, request, plan);
  if (!subject.is_recorded) {
    run = verify_loops(subject, request, plan, std::move(run), findings);
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
  } catch (const Error&) {
    // A schedule file that was recorded by virtual time, with looks answered as there.
    if (found.words.empty()) throw;
    plan.looks = found;
    return run_apart(subject, request, plan);
  }
}

// Step 5: shows loops the values that they can find and did not find in the first run
// (LooksToShow). Stops at a deadlock. Undecided if another value changes the kernel's branches, or
// if a value could not be shown.
void show_more(const CheckSubject& subject, const CheckRequest& request, Plan plan,
               const OneRun& first, CheckResult& result) {
  LooksToShow to_show(first.looks);
  plan.schedule = "virtual";  // a recorded schedule would not fit late looks
  plan.is_late = true;
  plan.asked = first.looks;
  plan.ends_alone = !first.knows_all_looks;
  while (to_show.has_next()) {
    to_show.set_next(plan.looks);
    const OneRun run = run_apart(subject, request, plan);
    merge(result.findings, run, request.schedule);
    if (run.is_deadlock) return;
    to_show.note_shown(run.looks);
    if (result.undecided.empty() && run.program != first.program) result.undecided = goes_by_looks;
  }
  if (to_show.looks().empty() || !result.undecided.empty()) return;
  result.undecided = not_all_shown;
}

// A run of the search. What is known of the loops from the first run is valid only if this one
// takes the same branches; if not, it is made again without that knowledge.
OneRun run_alike(const CheckSubject& subject, const CheckRequest& request, const Plan& plan,
                 const OneRun& first) {
  if (first.looks.empty() && plan.short_loops.empty()) return run_apart(subject, request, plan);
  Plan alike = plan;
  alike.asked = first.looks;
  OneRun run = run_apart(subject, request, alike);
  if (run.program == first.program) return run;
  alike.asked.clear();
  alike.short_loops.clear();
  return run_apart(subject, request, alike);
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
  std::vector<CheckedFinding> beside;  // from the runs that verified loops
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
  // A kernel that crashed or hung is expected to do so under every schedule, and each such run
  // takes until its time limit: it is not run again.
  const bool has_crashed =
      std::any_of(first.findings.begin(), first.findings.end(),
                  [](const Finding& finding) { return finding.kind == FindingClass::crash; });
  plan.is_first = plan.has_readers = false;
  plan.asked.clear();
  plan.memory = Checker::Memory::bounded;
  plan.like = &first;
  if (subject.is_recorded) {
    const bool has_more = !LooksToShow(first.looks).looks().empty();
    if (has_more && result.undecided.empty()) result.undecided = not_all_shown;
  } else if (!has_crashed && !first.is_deadlock) {
    show_more(subject, request, plan, first, result);
  }
  plan.looks.order = Looks::Order::by_schedule;
  plan.looks.loops = first.loops;
  const bool is_searched = !result.undecided.empty() && !has_crashed && !subject.is_recorded;
  const int more = is_searched ? request.schedules : 0;
  for (int seed = 1; seed <= more; ++seed) {
    plan.schedule = searched_schedule(seed);
    if (request.progress) request.progress(seed, more);
    merge(result.findings, run_alike(subject, request, plan, first), plan.schedule);
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
  const std::string clean =
      result.left_out == 0
          ? "clean"
          : fmt::format("clean but for {} finding{} that --only or --skip leave out",
                        result.left_out, result.left_out == 1 ? "" : "s");
  if (result.undecided.empty()) return fmt::format("{} (exact{})", clean, seen);
  return fmt::format("{} ({} schedule{} searched, because {}{})", clean, result.schedules,
                     result.schedules == 1 ? "" : "s", result.undecided, seen);
}

}  // namespace peal
