// SPDX-License-Identifier: Apache-2.0
#include "cli/check_subject.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cli/case_target.h"
#include "cli/devices_option.h"
#include "cli/number_option.h"
#include "cli/run_outcome.h"
#include "cli/run_plan.h"
#include "cli/unused_option.h"
#include "peal/base/error.h"
#include "peal/cases/contribution_events.h"
#include "peal/checks/event_file.h"
#include "peal/chip/core.h"
#include "peal/collectives/collectives.h"
#include "peal/launch/launch.h"

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

// One collective as `peal run` would plan it, called several times, every call compared.
class CollectiveSubject {
 public:
  CollectiveSubject(RunRequest request, std::uint64_t calls, Platform platform)
      : request_(std::move(request)), calls_(calls), platform_(std::move(platform)) {}

  void prepare(int ranks) {
    if (plan_ != nullptr && plan_->ranks == ranks) return;
    request_.ranks = std::to_string(ranks);
    plan_ = std::make_unique<RunPlan>(make_run_plan(request_, open_executor(platform_)));
  }

  [[nodiscard]] const std::vector<std::string>& notes() const { return plan_->notes; }

  SubjectOutcome run(int ranks, const RunOptions& options) {
    prepare(ranks);
    calls_made_.assign(calls_, Call(ranks));
    first_failure_.reset();
    readers_ = options.readers;
    plan_->executor->run(
        ranks, [this](Team& team) { make_calls(team); }, options);
    SubjectOutcome outcome = first_failure_;
    outcome.calls = static_cast<std::int64_t>(calls_);
    return outcome;
  }

 private:
  struct Call {
    explicit Call(int ranks)
        : send(static_cast<std::size_t>(ranks)), recv(static_cast<std::size_t>(ranks)) {}
    std::vector<std::vector<std::byte>> send, recv;  // copies of each rank's buffers
    int entered = 0, returned = 0;
    int fewest_on_return = INT32_MAX;
  };

  static std::vector<std::byte> copy_of(std::span<const std::byte> bytes) {
    return {bytes.begin(), bytes.end()};
  }

  void make_calls(Team& team) {
    const RunPlan& plan = *plan_;
    const auto rank = static_cast<std::size_t>(team.rank());
    Device& device = team.device();
    View send, recv;
    if (plan.shape.send_blocks > 0) {
      send = device.allocate("send", plan.send_length() * size_bytes(plan.dtype))
                 .view(0, plan.send_length(), plan.dtype);
      recv = device.allocate("recv", plan.recv_length() * size_bytes(plan.dtype))
                 .view(0, plan.recv_length(), plan.dtype);
    }
    for (std::uint64_t call = 0; call < calls_; ++call) {
      Call& made = calls_made_[call];
      current_core()->report_call(static_cast<std::int64_t>(call));
      if (!send.empty()) {
        static_cast<void>(device.write(send, outside_of_kernels));
        plan.fill.apply(team.rank(), call, send);
        made.send[rank].assign(send.data, send.data + send.size_bytes());
        report_contribution(readers_, contribution_call(team.rank(), call), send);
      }
      // Overwrites the result of the call before, so that a stale one is found to be wrong. It does
      // so directly in memory, because the checks must not see a write.
      std::fill_n(recv.data, recv.size_bytes(), std::byte{0x5a});
      ++made.entered;
      run_collective(team, {.collective = plan.collective,
                            .send = send,
                            .recv = recv,
                            .op = plan.op,
                            .root = plan.root,
                            .algorithm = plan.algorithm->name});
      made.fewest_on_return = std::min(made.fewest_on_return, made.entered);
      if (!recv.empty() && receives(plan.collective, team.rank(), plan.root)) {
        made.recv[rank] = copy_of(device.read(recv, outside_of_kernels));
        report_expectation(readers_, contribution_call(team.rank(), call), recv);
      }
      if (++made.returned == plan.ranks) finish(call);
    }
  }

  [[nodiscard]] ContributionCall contribution_call(int rank, std::uint64_t call) const {
    return {.collective = plan_->collective,
            .op = plan_->op,
            .root = plan_->root,
            .ranks = plan_->ranks,
            .rank = rank,
            .call = static_cast<std::uint32_t>(call),
            .count = plan_->count};
  }

  // Called when the last rank has returned from the call: compares it and frees its copies.
  void finish(std::uint64_t call) {
    const auto failure = compare(call);
    if (failure && !first_failure_) first_failure_ = fmt::format("{} of call {}", *failure, call);
    calls_made_[call] = Call(0);
  }

  std::optional<std::string> compare(std::uint64_t call) {
    Call& made = calls_made_[call];
    RunOutcome outcome;
    outcome.entered.assign(static_cast<std::size_t>(plan_->ranks), made.fewest_on_return);
    const auto views = [this](std::vector<std::vector<std::byte>>& all) {
      std::vector<View> result;
      for (auto& bytes : all) {
        result.push_back({bytes.data(), bytes.size() / size_bytes(plan_->dtype), plan_->dtype});
      }
      return result;
    };
    outcome.send = views(made.send);
    outcome.recv = views(made.recv);
    judge(*plan_, outcome);
    return outcome.failure;
  }

  RunRequest request_;
  std::uint64_t calls_;
  Platform platform_;
  std::unique_ptr<RunPlan> plan_;
  std::vector<Call> calls_made_;
  std::vector<EventReader*> readers_;
  std::optional<std::string> first_failure_;
};

using SubjectRun = std::function<SubjectOutcome(int, const RunOptions&)>;

// The plan is prepared here, for the first number of ranks, so that an invalid request is refused
// and notes on options without effect are known before the first run.
SubjectRun collective_run(const RunRequest& request, std::uint64_t calls, const Platform& platform,
                          int ranks, std::vector<std::string>& notes) {
  const auto subject = std::make_shared<CollectiveSubject>(request, calls, platform);
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
    throw Error(
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
    plan.mutates = [](const std::string& file) { return !file.starts_with("peal/"); };
    return plan;
  }
  if (plan.ranks.empty()) {
    plan.ranks = request.mutate ? std::vector<int>{2, 3, 4, 8} : std::vector<int>{ranks_of(run, 4)};
  }
  plan.subject.run =
      collective_run(run, static_cast<std::uint64_t>(parse_calls(run).value_or(default_calls)),
                     platform, plan.ranks.front(), plan.notes);
  plan.mutates = [](const std::string& file) { return file.starts_with("peal/kernels/"); };
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
