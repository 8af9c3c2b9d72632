// SPDX-License-Identifier: Apache-2.0
#include "cli/options/check_subject.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cli/options/case_target.h"
#include "cli/options/number_option.h"
#include "cli/options/run_plan.h"
#include "cli/options/unused_option.h"
#include "peal/base/error.h"
#include "peal/checks/event_file.h"
#include "peal/launch/launch.h"
#include "peal/tools/collective_check.h"
#include "peal/tools/device_list.h"

namespace peal {
namespace {

constexpr std::int64_t default_calls = 2;
constexpr std::int64_t mutation_calls = 4;

// The numbers of ranks by --ranks (a list such as 2,3,4,8) or --devices; empty if neither is given.
std::vector<int> parse_ranks(const RunRequest& request) {
  if (request.devices) return {ranks_of(request, 0)};
  if (!request.ranks) return {};
  const std::string& text = *request.ranks;
  std::vector<int> ranks;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    ranks.push_back(static_cast<int>(parse_number("--ranks", text.substr(begin, end - begin),
                                                  {.lowest = 1, .highest = max_ranks})));
    begin = end + 1;
  }
  return ranks;
}

std::string quoted(const std::string& text) {
  const bool plain = text.find_first_of(" '\"$*()[]{}<>&|;?!#~`\\") == std::string::npos;
  if (plain && !text.empty()) return text;
  std::string result = "'";
  for (char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

void add_flags(std::string& text, const CaseFlags& flags) {
  const auto add_each = [&text](const char* option, const std::vector<std::string>& values) {
    for (const std::string& value : values) text += fmt::format(" {} {}", option, quoted(value));
  };
  const auto add = [&text](const char* option, const std::optional<std::string>& value) {
    if (value) text += fmt::format(" {} {}", option, quoted(*value));
  };
  add_each("--arg", flags.args);
  add_each("--window", flags.windows);
  add_each("--expect", flags.expected);
  add_each("--value", flags.values);
  add_each("--include", flags.include);
  add("--blocks", flags.blocks);
  add("--cores", flags.cores);
  add("--core", flags.core);
  add("--tolerance", flags.tolerance);
}

// The command line that repeats the check, without ranks and schedule.
std::string command_of(const CheckCommandRequest& request) {
  const RunRequest& run = request.run;
  std::string text = "peal check " + quoted(run.collective);
  const auto add = [&text](const char* option, const std::optional<std::string>& value) {
    if (value) text += fmt::format(" {} {}", option, quoted(*value));
  };
  if (run.algorithm != "auto") text += " -a " + run.algorithm;
  if (run.platform != "a2a3sim") text += " -p " + quoted(run.platform);
  add("--case", run.case_file);
  add("-c", run.count);
  add("-t", run.dtype);
  add("--op", run.op);
  add("--root", run.root);
  add("--calls", run.calls);
  for (const std::string& value : run.set) text += " --set " + quoted(value);
  add_flags(text, run.flags);
  add("--time-limit", run.time_limit);
  if (request.strict) text += " --strict";
  return text;
}

using SubjectRun = std::function<SubjectOutcome(int, const RunOptions&)>;

// The plan is prepared here, for the first number of ranks, so that an invalid request is refused
// and notes on options without effect are known before the first run.
SubjectRun collective_run(const RunRequest& request, std::uint64_t calls, const Platform& platform,
                          int ranks, std::vector<std::string>& notes) {
  const auto plan = [request, platform](int on) {
    RunRequest of_ranks = request;
    of_ranks.ranks = std::to_string(on);
    return make_run_plan(of_ranks, open_executor(platform));
  };
  const auto subject = std::make_shared<CollectiveCheck>(plan, calls);
  subject->prepare(ranks);
  notes = subject->notes();
  return [subject](int on, const RunOptions& options) { return subject->run(on, options); };
}

constexpr const char* recorded = "give it where the events are recorded";

// The plan for a recorded run: its events are read from a file, for one number of ranks and one
// schedule. Throws Error for options that would change the run.
CheckPlan recorded_plan(const CheckCommandRequest& request) {
  const EventFileHeading heading = read_event_file_heading(request.run.collective);
  const int ranks = heading.ranks;
  const RunRequest& run = request.run;
  const UnusedOption unused[] = {
      {"--algorithm", run.algorithm != "auto", recorded},
      {"--count", run.count.has_value(), recorded},
      {"--dtype", run.dtype.has_value(), recorded},
      {"--op", run.op.has_value(), recorded},
      {"--root", run.root.has_value(), recorded},
      {"--devices", run.devices.has_value(), recorded},
      {"--calls", run.calls.has_value(), recorded},
      {"--set", !run.set.empty(), recorded},
      {"--case", run.case_file.has_value(), recorded},
      {run.flags.any() ? run.flags.first() : "--arg", run.flags.any(), recorded},
      {"--time-limit", run.time_limit.has_value(), recorded},
      {"--schedule", run.schedule != "virtual", recorded},
      {"--save-schedule", !run.save_schedule.empty(), recorded},
      {"--schedules", request.schedules.has_value(), recorded},
      {"--strict", request.strict, recorded},
      {"--platform", run.platform != RunRequest().platform, recorded}};
  refuse_unused(fmt::format("recorded run `{}`", run.collective), unused);
  const bool is_other = request.run.ranks && *request.run.ranks != std::to_string(ranks);
  if (request.mutate || request.events || is_other) {
    throw UsageError(
        fmt::format("`{}` is a recorded run of {} ranks, which takes no --mutate, --events or "
                    "other -n; leave them away",
                    request.run.collective, ranks));
  }
  CheckPlan plan;
  plan.subject.command = command_of(request);
  plan.subject.switches = heading.switches;
  plan.subject.is_recorded = true;
  plan.ranks = {ranks};
  plan.subject.run = [path = request.run.collective](int, const RunOptions& options) {
    for (EventReader* reader : options.readers) read_event_file(path, *reader);
    return SubjectOutcome();
  };
  return plan;
}

}  // namespace

CheckPlan make_check_plan(const CheckCommandRequest& request) {
  CheckPlan plan;
  plan.subject.command = command_of(request);
  Platform platform = simulated_target(request.run.platform);
  if (request.strict) platform.switches = strict_switches(platform.switches);
  plan.subject.switches = platform.switches;
  plan.ranks = parse_ranks(request.run);
  RunRequest run = request.run;
  run.ranks.reset();
  run.devices.reset();
  if (is_event_file(run.collective)) return recorded_plan(request);
  if (names_case(run)) {
    CaseTarget target = find_case_target(run);
    if (plan.ranks.empty()) plan.ranks = target.ranks;
    const double time_limit = target.request.time_limit_seconds;
    plan.subject.run = [target = std::move(target), platform](int ranks,
                                                              const RunOptions& options) {
      CaseRunRequest with = target.request;
      with.target = platform;
      with.ranks = ranks;
      with.options = options;
      return outcome_of(target.run(with));
    };
    plan.subject.runs_kernels = true;
    plan.subject.time_limit_seconds = time_limit;
    plan.mutation_subjects = {plan.subject};
    plan.mutates = [](const FindingLine& line) { return line.origin == SourceOrigin::kernel; };
    return plan;
  }
  if (plan.ranks.empty()) {
    plan.ranks = request.mutate ? std::vector<int>{2, 3, 4, 8} : std::vector<int>{ranks_of(run, 4)};
  }
  plan.subject.run =
      collective_run(run, static_cast<std::uint64_t>(parse_calls(run).value_or(default_calls)),
                     platform, plan.ranks.front(), plan.notes);
  plan.mutates = [](const FindingLine& line) { return line.origin == SourceOrigin::library; };
  if (!request.mutate) return plan;
  // A half of the scratch is first reused by the third call, and only then do ranks wait for
  // credits; so the number of calls must be larger than two.
  const std::uint64_t calls = static_cast<std::uint64_t>(parse_calls(run).value_or(mutation_calls));
  for (const char* count : {"1", "7", "1000"}) {
    RunRequest other = run;
    if (!run.count) other.count = count;
    plan.mutation_subjects.push_back(plan.subject);
    plan.mutation_subjects.back().run =
        collective_run(other, calls, platform, plan.ranks.front(), plan.notes);
    if (run.count) break;
  }
  return plan;
}

}  // namespace peal
