// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/check_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/options/check_subject.h"
#include "cli/options/number_option.h"
#include "cli/output/json_text.h"
#include "cli/output/print_beside.h"
#include "cli/output/progress_bar.h"
#include "cli/output/say.h"
#include "peal/base/error.h"
#include "peal/checks/event_file.h"
#include "peal/search/check.h"
#include "peal/search/check_text.h"
#include "peal/search/mutation.h"
#include "peal/tools/files/output_file.h"

namespace peal {
namespace {

constexpr std::uint64_t max_schedules = 1000000;

std::vector<FindingClass> parse_classes(const char* option, const std::vector<std::string>& names) {
  std::vector<FindingClass> classes;
  for (const std::string& text : names) {
    const std::optional<FindingClass> found = find_finding_class(text);
    if (!found) {
      std::string all;
      for (int kind = 0; kind < finding_class_count; ++kind) {
        all += fmt::format("{}{}", kind == 0 ? "" : ", ", name(static_cast<FindingClass>(kind)));
      }
      throw UsageError(fmt::format("{} `{}` is no check; use some of {}", option, text, all));
    }
    classes.push_back(*found);
  }
  return classes;
}

// The kinds of findings that --only and --skip select.
class Selection {
 public:
  explicit Selection(const CheckCommandRequest& request)
      : only_(parse_classes("--only", request.only)),
        skip_(parse_classes("--skip", request.skip)),
        advice_(request.advice) {}

  [[nodiscard]] bool wants(const Finding& finding) const {
    const FindingClass kind = finding.kind;
    const auto has = [kind](const std::vector<FindingClass>& list) {
      return std::find(list.begin(), list.end(), kind) != list.end();
    };
    if (has(skip_)) return false;
    if (!only_.empty()) return has(only_);
    return advice_ || !is_advice(finding);
  }
  void apply(CheckResult& result) const {
    std::erase_if(result.findings, [this, &result](const CheckedFinding& finding) {
      if (wants(finding.finding)) return false;
      result.left_out += is_advice(finding.finding) ? 0u : 1u;
      return true;
    });
  }

 private:
  std::vector<FindingClass> only_, skip_;
  bool advice_;
};

nlohmann::ordered_json json_of(const Finding& finding) {
  nlohmann::ordered_json json;
  json["class"] = name(finding.kind);
  json["subject"] = finding.subject;
  json["sides"] = nlohmann::ordered_json::array();
  for (const FindingSide& side : finding.sides) {
    nlohmann::ordered_json each;
    each["rank"] = side.rank;
    each["core"] = side.core;
    if (!side.pipe.empty()) each["pipe"] = side.pipe;
    each["what"] = side.what;
    each["file"] = side.place.file;
    each["line"] = side.place.line;
    if (side.call >= 0) each["call"] = side.call;
    if (side.step >= 0) each["step"] = side.step;
    if (!side.task.empty()) each["task"] = side.task;
    json["sides"].push_back(each);
  }
  json["reason"] = finding.reason;
  json["count"] = finding.count;
  return json;
}

nlohmann::ordered_json json_of(const CheckSubject& subject, const CheckResult& result) {
  nlohmann::ordered_json json;
  json["ranks"] = result.ranks;
  json["verdict"] = verdict(result);
  json["clean"] = result.is_clean();
  json["left_out"] = result.left_out;
  json["exact"] = result.undecided.empty();
  json["schedules"] = result.schedules;
  json["findings"] = nlohmann::ordered_json::array();
  for (const CheckedFinding& found : result.findings) {
    nlohmann::ordered_json each = json_of(found.finding);
    each["again"] = again(subject.command, result, found);
    json["findings"].push_back(each);
  }
  return json;
}

// The report of --mutate: each synchronisation, and the effect of its removal.
std::string text_of(const std::vector<Mutation>& mutations) {
  std::string text = "without one synchronisation at a time:\n";
  int unneeded = 0;
  for (const Mutation& mutation : mutations) {
    std::string lines;
    for (const FindingLine& line : mutation.unit.lines) {
      lines += (lines.empty() ? "" : ", ") + describe(line);
    }
    text += fmt::format("  {}   {}\n", mutation.unit.what, lines);
    if (!mutation.caught_by) {
      ++unneeded;
      text += "    not needed: results and order are right without it; it can go\n";
      continue;
    }
    text += fmt::format("    needed: {} on {} ranks: {}\n", name(mutation.caught_by->kind),
                        mutation.ranks, mutation.caught_by->subject);
    for (const FindingSide& side : mutation.caught_by->sides) {
      if (!side.place.file.empty()) {
        text += fmt::format("      rank {} {}   {}\n", side.rank, side.what, describe(side.place));
      }
    }
  }
  return text + fmt::format("{} synchronisations, {} not needed\n", mutations.size(), unneeded);
}

nlohmann::ordered_json json_of(const std::vector<Mutation>& mutations) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const Mutation& mutation : mutations) {
    nlohmann::ordered_json json;
    json["what"] = mutation.unit.what;
    json["lines"] = nlohmann::ordered_json::array();
    for (const FindingLine& line : mutation.unit.lines) {
      json["lines"].push_back({{"file", line.file}, {"line", line.line}});
    }
    json["needed"] = mutation.caught_by.has_value();
    if (mutation.caught_by) {
      json["ranks"] = mutation.ranks;
      json["caught_by"] = json_of(*mutation.caught_by);
    } else {
      json["class"] = name(FindingClass::unneeded_sync);
    }
    all.push_back(json);
  }
  return all;
}

std::vector<Mutation> run_mutations(const CheckPlan& plan, const CheckRequest& check_request) {
  ProgressBar bar(100);
  const std::vector<Mutation> mutations =
      mutate({.subjects = plan.mutation_subjects,
              .ranks = plan.ranks,
              .check = {.schedules = check_request.schedules},
              .mutates = plan.mutates,
              .progress = [&bar](int done, int of) { bar.update(100.0 * done / of); }});
  bar.finish();
  return mutations;
}

// The failure that ended the run under that schedule early. The recorded events do not contain it.
std::string end_of(const CheckResult& result, const std::string& schedule) {
  for (const CheckedFinding& checked : result.findings) {
    const FindingClass kind = checked.finding.kind;
    const bool ends = kind == FindingClass::crash || kind == FindingClass::deadlock ||
                      kind == FindingClass::never_satisfied || kind == FindingClass::out_of_bounds;
    if (!ends || checked.schedule != schedule) continue;
    return fmt::format("{}: {}", name(kind), checked.finding.subject);
  }
  return {};
}

}  // namespace

int check_command(const CheckCommandRequest& request) {
  const Selection selection(request);
  CheckRequest check_request{.schedule = request.run.schedule,
                             .save_schedule = request.run.save_schedule};
  if (request.schedules) {
    check_request.schedules = static_cast<int>(
        parse_number("--schedules", *request.schedules, {.lowest = 0, .highest = max_schedules}));
  }
  check_outputs(named_files({{"--json", request.run.json},
                             {"--events", request.events},
                             {"--save-schedule", request.run.save_schedule}}),
                named_files({{"target", request.run.collective},
                             {"--case", request.run.case_file},
                             {"--schedule", request.run.schedule},
                             {"--platform", request.run.platform}}));
  std::optional<OutputFile> json_file;
  if (request.run.json) json_file.emplace(*request.run.json);
  CheckPlan plan = make_check_plan(request);
  for (const std::string& note : plan.notes) say("peal: note: {}\n", note);
  std::optional<EventFileWriter> events;
  if (request.events) {
    if (plan.ranks.size() > 1) {
      throw UsageError(
          fmt::format("--events records one run, and {} numbers of ranks are asked for; "
                      "give one, such as -n {}",
                      plan.ranks.size(), plan.ranks.front()));
    }
    events.emplace(*request.events, EventFileHeading{plan.subject.switches, plan.ranks.front()});
    check_request.readers = {&*events};
  }
  nlohmann::ordered_json json;
  json["command"] = plan.subject.command;
  json["results"] = nlohmann::ordered_json::array();
  std::string text = plan.subject.command + "\n";
  std::string end;  // of the first run
  bool is_clean = true;
  for (int ranks : plan.ranks) {
    check_request.ranks = ranks;
    ProgressBar bar(std::max(1, check_request.schedules));
    check_request.progress = [&bar](int done, int) { bar.update(done); };
    CheckResult result = check(plan.subject, check_request);
    bar.finish();
    end = end_of(result, check_request.schedule);
    selection.apply(result);
    is_clean = is_clean && result.is_clean();
    text += describe(plan.subject.command, result);
    json["results"].push_back(json_of(plan.subject, result));
  }
  if (events) events->finish(end);
  if (request.mutate && !is_clean) {
    text += "nothing is left out: whether it is needed shows only where there are no findings\n";
  } else if (request.mutate) {
    const std::vector<Mutation> mutations = run_mutations(plan, check_request);
    text += text_of(mutations);
    json["mutations"] = json_of(mutations);
  }
  if (json_file) {
    const std::string bytes = json_text(json);
    json_file->commit(bytes);
  }
  print_beside(json_file && json_file->is_stdout(), text);
  return is_clean ? 0 : 1;
}

}  // namespace peal
