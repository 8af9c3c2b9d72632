// SPDX-License-Identifier: Apache-2.0
#include "peal/search/checked_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "peal/base/error.h"
#include "peal/base/process/watched_process.h"
#include "peal/checks/rules/deadlock_finding.h"
#include "peal/run/deadlock.h"
#include "peal/run/kernel_failure.h"
#include "peal/search/isolated_run.h"
#include "peal/search/output_difference.h"

namespace peal {
namespace {

Finding finding_of(const KernelFailure& failure) {
  const bool outside = failure.kind() == KernelFailure::Kind::out_of_bounds;
  return {.kind = outside ? FindingClass::out_of_bounds : FindingClass::crash,
          .subject = failure.what_happened(),
          .sides = {{failure.rank(),
                     failure.core(),
                     "",
                     failure.place().is_after ? "fails after this" : "",
                     {failure.place().file, failure.place().line}}},
          .reason = {}};
}

Finding finding_of(const std::string& mismatch) {
  return {.kind = FindingClass::wrong_result, .subject = mismatch, .sides = {}, .reason = {}};
}

// The findings of a deadlock in a run with late looks. There a loop looks only when no other core
// can go on, at the newest value: one that never ends has missed the value that would end it, which
// the last change of the word has overwritten.
std::vector<Finding> missed_values(const Deadlock& deadlock, const Checker& checker) {
  std::vector<Finding> result;
  for (const StandingCore& core : deadlock.cores()) {
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

// For runs with `patient` lines, whose loops are shown each value 64 times: a loop that found its
// final value more often than this before it ended is taken to count its iterations.
constexpr std::uint32_t max_repeats = 62;

// The schedule as findings name it.
std::string name_of(const Plan& plan) {
  if (plan.looks.patience > 1) {
    return fmt::format("{} with loops that find each value {} times", plan.schedule,
                       plan.looks.patience);
  }
  if (plan.looks.order == Looks::Order::as_wanted) {
    return fmt::format("{} with loops that end at once", plan.schedule);
  }
  if (!plan.is_late || plan.looks.wanted.empty()) return plan.schedule;
  return fmt::format("{} with late looks of core {}", plan.schedule,
                     plan.looks.wanted.front().core);
}

// Makes the run in this process and checks it; makes it again with Memory::whole if the checker
// asks for that. Everything that can end a run becomes a finding.
OneRun run_once(const CheckSubject& subject, const CheckRequest& request, const Plan& plan,
                EventReader* reader) {
  Checker checker(subject.switches, plan.memory);
  checker.ask_for(plan.asked);
  checker.ask_for(plan.short_loops);
  if (!plan.looks.words.empty()) checker.follow_program();
  if (!plan.looks.patient.empty()) checker.allow_repeats(max_repeats);
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
  std::vector<Finding> ends;  // what ended the run early, or its wrong result
  SubjectOutcome outcome;
  auto end = Checker::RunEnd::failed;
  try {
    outcome = subject.run(request.ranks, options);
    end = outcome.mismatch ? Checker::RunEnd::wrong : Checker::RunEnd::right;
    if (outcome.mismatch) ends.push_back(finding_of(*outcome.mismatch));
  } catch (const Deadlock& deadlock) {
    result.is_deadlock = true;
    if (plan.is_late) ends = missed_values(deadlock, checker);
    if (ends.empty()) ends = deadlock_findings(deadlock, checker);
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
                              result.outputs[difference->output], name_of(plan)));
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
  result.in_question = checker.looks_in_question();
  const auto add_line = [&checker](std::vector<KernelLine>& lines, SourceId place) {
    const FindingLine& line = checker.findings().places().line(place);
    lines.push_back({line.file, line.line});
  };
  for (SourceId place : checker.loops()) add_line(result.loops, place);
  for (SourceId place : checker.contradicted()) add_line(result.contradicted, place);
  result.program = checker.program();
  result.knows_all_looks = checker.knows_all_looks();
  result.is_whole = plan.memory == Checker::Memory::whole;
  result.has_grown = checker.has_grown() || result.is_whole;
  result.synchronisations = checker.synchronisations();
  result.events = checker.events();
  return result;
}

}  // namespace

OneRun run_apart(const CheckSubject& subject, const CheckRequest& request, const Plan& plan) {
  const auto run = [&](EventReader* reader) { return run_once(subject, request, plan, reader); };
  if (!subject.runs_kernels || plan.has_readers || !can_watch()) return run(nullptr);
  return run_isolated(run, max_blocked_seconds(subject.time_limit_seconds));
}

}  // namespace peal
