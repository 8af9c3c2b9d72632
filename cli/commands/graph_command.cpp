// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/graph_command.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cli/options/number_option.h"
#include "cli/output/json_text.h"
#include "cli/output/print_beside.h"
#include "cli/output/say.h"
#include "peal/tools/files/output_file.h"
#include "peal/tools/graph_file.h"
#include "peal/tools/graph_run.h"

namespace peal {
namespace {

constexpr std::size_t max_tasks_told = 64;

std::string verdict(const GraphRunResult& result) {
  if (result.failure || result.mismatch || !result.report.findings.empty()) return "FAIL";
  return result.differences.empty() ? "DONE" : "PASS";
}

std::string text_of(const GraphFile& file, const GraphRunResult& result, bool checks) {
  std::string text = describe(result.report, max_tasks_told);
  if (checks && !result.failure && result.report.findings.empty()) text += "checks: clean\n";
  const auto out = std::back_inserter(text);
  for (const GraphDifference& difference : result.differences) {
    fmt::format_to(out, "{}: max |value - expected| = {:.3e}\n", difference.label, difference.max);
  }
  if (!result.differences.empty()) {
    fmt::format_to(out, "tolerance: {:.3e}\n", file.numbers.tolerance);
  }
  text += verdict(result);
  if (result.mismatch) text += ": " + *result.mismatch;
  if (result.failure) text += ": " + *result.failure;
  return text + "\n";
}

const char* name(TaskRecord::State state) {
  constexpr const char* names[] = {"waiting", "running", "done", "failed", "not_run"};
  return names[static_cast<std::size_t>(state)];
}

std::string json_of(const GraphCommandRequest& request, const GraphRunResult& result) {
  const GraphReport& report = result.report;
  nlohmann::ordered_json json;
  json["graph"] = request.file;
  json["platform"] = report.platform;
  json["devices"] = report.devices;
  json["schedule"] = request.schedule;
  json["verdict"] = verdict(result);
  json["time_ps"] = report.time_ps;
  json["serial_ps"] = report.serial_ps;
  json["critical_path_ps"] = report.critical_path_ps;
  json["critical_path"] = report.critical_path;
  json["tasks"] = nlohmann::ordered_json::array();
  for (const TaskRecord& task : report.tasks) {
    nlohmann::ordered_json entry;
    entry["name"] = task.name;
    entry["devices"] = task.devices;
    entry["state"] = name(task.state);
    entry["begin_ps"] = task.begin_ps;
    entry["end_ps"] = task.end_ps;
    if (task.state == TaskRecord::State::failed) entry["failure"] = task.failure;
    if (task.state == TaskRecord::State::not_run) entry["failed_task"] = task.failed_task;
    json["tasks"].push_back(std::move(entry));
  }
  json["findings"] = report.findings;
  for (const GraphDifference& difference : result.differences) {
    json["max_differences"][difference.label] = difference.max;
  }
  if (result.mismatch) json["mismatch"] = *result.mismatch;
  return json_text(json);
}

}  // namespace

int graph_command(const GraphCommandRequest& request) {
  const std::vector<NamedFile> outputs =
      named_files({{"--dot", request.dot}, {"--json", request.json}});
  check_outputs(outputs, named_files({{"graph file", request.file},
                                      {"--schedule", request.schedule},
                                      {"--platform", request.platform}}));
  std::optional<OutputFile> dot, json;
  if (request.dot) dot.emplace(*request.dot);
  if (request.json) json.emplace(*request.json);
  GraphRunRequest run{
      .platform = request.platform, .checks = request.checks, .schedule = request.schedule};
  if (request.time_limit) {
    run.time_limit_seconds = parse_time_limit(*request.time_limit);
  }
  const GraphFile file = read_graph_file(request.file);
  std::vector<NamedFile> sources;
  for (const std::string& source : file.sources) sources.push_back({"kernel", source});
  check_outputs(outputs, sources);
  const auto start = std::chrono::steady_clock::now();
  const GraphRunResult result = run_graph(file, run);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  if (dot) dot->commit(result.dot);
  if (json) json->commit(json_of(request, result));
  const std::string text = text_of(file, result, run.checks || file.checks);
  print_beside((dot && dot->is_stdout()) || (json && json->is_stdout()), text);
  say("{} tasks in {:.3f} s\n", result.report.tasks.size(), elapsed.count());
  return verdict(result) == "FAIL" ? 1 : 0;
}

}  // namespace peal
