// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/case_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/options/case_target.h"
#include "cli/options/run_plan.h"
#include "cli/output/failed_run_json.h"
#include "cli/output/json_text.h"
#include "cli/output/print_beside.h"
#include "cli/output/say.h"
#include "peal/base/error.h"
#include "peal/base/process/watched_process.h"
#include "peal/launch/case_run.h"
#include "peal/run/kernel_failure.h"
#include "peal/search/place_recorder.h"
#include "peal/tools/failed_run.h"
#include "peal/tools/files/output_file.h"

namespace peal {
namespace {

const char* verdict(const CaseRunResult& result) {
  if (result.mismatch) return "FAIL";
  return result.compared ? "PASS" : "DONE";
}

std::string text_of(const RunRequest& request, const CaseRunRequest& run,
                    const CaseRunResult& result) {
  std::string text =
      fmt::format("{} on {}: {} rank{}, {} call{}", request.collective, run.platform, run.ranks,
                  run.ranks == 1 ? "" : "s", result.calls, result.calls == 1 ? "" : "s");
  if (request.schedule != "virtual") text += ", schedule " + request.schedule;
  text += "\n";
  const auto out = std::back_inserter(text);
  if (result.compared) {
    for (std::size_t rank = 0; rank < result.differences.size(); ++rank) {
      fmt::format_to(out, "rank {}: max |out - expected| = {:.3e}\n", rank,
                     result.differences[rank]);
    }
    fmt::format_to(out, "tolerance: {:.3e}\n", result.tolerance);
  } else if (!run.options.values) {
    text += "values off: results not compared\n";
  } else {
    text += "nothing is expected: results not compared\n";
  }
  if (is_simulated(run.platform)) {
    const std::int64_t time_ns = (result.report.time_ps + 500) / 1000;
    fmt::format_to(out, "simulated time: {}.{:03} us\n", time_ns / 1000, time_ns % 1000);
  }
  text += verdict(result);
  if (result.mismatch) text += ": " + *result.mismatch;
  return text + "\n";
}

nlohmann::ordered_json parameters(const RunRequest& request, const CaseTarget& target,
                                  const CaseRunRequest& run) {
  nlohmann::ordered_json json;
  json[target.kernel ? "kernel" : "case"] = target.path;
  json["platform"] = run.platform;
  json["ranks"] = run.ranks;
  if (is_simulated(run.platform)) json["schedule"] = request.schedule;
  return json;
}

std::string json_of(const RunRequest& request, const CaseTarget& target, const CaseRunRequest& run,
                    const CaseRunResult& result) {
  nlohmann::ordered_json json = parameters(request, target, run);
  json["calls"] = result.calls;
  json["verdict"] = verdict(result);
  json["findings"] = nlohmann::ordered_json::array();
  if (result.mismatch) json["findings"].push_back(*result.mismatch);
  if (result.compared) {
    json["tolerance"] = result.tolerance;
    json["max_differences"] = result.differences;
  }
  if (result.mismatch) json["mismatch"] = *result.mismatch;
  if (is_simulated(run.platform)) json["time_ps"] = result.report.time_ps;
  json["chip_instructions"] = result.report.chip_instructions;
  json["per_rank"] = nlohmann::ordered_json::array();
  for (int rank = 0; rank < run.ranks; ++rank) {
    nlohmann::ordered_json entry;
    entry["rank"] = rank;
    entry["end"] = "finished";
    // PTO kernels consist of instructions and call no verbs, so there are no verb counts.
    const auto index = static_cast<std::size_t>(rank);
    if (index < result.report.ranks.size()) add_counts(entry, result.report.ranks[index]);
    json["per_rank"].push_back(std::move(entry));
  }
  return json_text(json);
}

std::string packed(const CaseRunResult& result) {
  nlohmann::json ranks = nlohmann::json::array();
  for (const RankCounts& of : result.report.ranks) {
    ranks.push_back({of.puts, of.gets, of.notifies, of.waits, of.sent_bytes});
  }
  const nlohmann::json json = {{"ranks", std::move(ranks)},
                               {"time_ps", result.report.time_ps},
                               {"chip_instructions", result.report.chip_instructions},
                               {"calls", result.calls},
                               {"compared", result.compared},
                               {"differences", result.differences},
                               {"tolerance", result.tolerance},
                               {"has_mismatch", result.mismatch.has_value()},
                               {"mismatch", result.mismatch.value_or("")}};
  std::string bytes;
  nlohmann::json::to_cbor(json, bytes);
  return bytes;
}

CaseRunResult unpacked(const std::string& bytes) {
  const nlohmann::json json = nlohmann::json::from_cbor(bytes);
  CaseRunResult result;
  result.report.time_ps = json["time_ps"];
  result.report.chip_instructions = json["chip_instructions"];
  for (const nlohmann::json& of : json["ranks"]) {
    result.report.ranks.push_back({of[0], of[1], of[2], of[3], of[4]});
  }
  result.calls = json["calls"];
  result.compared = json["compared"];
  result.differences = json["differences"].get<std::vector<double>>();
  result.tolerance = json["tolerance"];
  if (json["has_mismatch"]) result.mismatch = json["mismatch"];
  return result;
}

// Throws FailedRun for a run that goes wrong.
CaseRunResult run_here(const CaseTarget& target, CaseRunRequest run) {
  RunReport done;
  run.options.on_failure = [&done](const RunReport& report) { done = report; };
  try {
    return target.run(run);
  } catch (const RunError& error) {
    throw FailedRun::of(error, std::move(done));
  }
}

// Runs the kernel in a separate process if the system allows it, so that a crash of the kernel is
// reported rather than ends this program. Ranks of a real run are separate processes anyway.
CaseRunResult run_apart(const CaseTarget& target, const CaseRunRequest& run) {
  if (!can_watch() || target.runs_for_real()) return run_here(target, run);
  // The first byte of an answer is its type.
  constexpr char a_result = 'r', a_failure = 'f';
  const double blocked_seconds = max_blocked_seconds(run.time_limit_seconds);
  const auto watched = [&](const CaseRunRequest& request) {
    return run_watched(
        [&] {
          return answer_or_error([&]() -> std::string {
            try {
              return a_result + packed(run_here(target, request));
            } catch (const FailedRun& failed) {
              return a_failure + failed.packed();
            }
          });
        },
        blocked_seconds);
  };
  WatchedEnd end = watched(run);
  // The process died at an unknown place. A simulated run is deterministic, so the run is repeated
  // with a recorder of places.
  if (!end.has_answered && !end.place.is_known()) {
    PlaceRecorder recorder;
    CaseRunRequest again = run;
    again.options.readers.push_back(&recorder);
    end = watched(again);
  }
  if (!end.has_answered) {
    std::vector<RankEnd> ends;
    if (end.rank >= 0) {
      ends.push_back({.rank = end.rank,
                      .core = end.core,
                      .end = "failed",
                      .what = end.what,
                      .file = end.place.file,
                      .line = end.place.line});
    }
    throw FailedRun(kernel_error_text(end.rank, end.core, end.what, end.place), {},
                    std::move(ends));
  }
  const std::string answer = answer_of(end);
  if (answer.front() == a_failure) throw FailedRun::unpacked(answer.substr(1));
  return unpacked(answer.substr(1));
}

}  // namespace

int case_command(const RunRequest& request) {
  const CaseTarget target = find_case_target(request);
  check_outputs(named_files({{"--json", request.json}, {"--save-schedule", request.save_schedule}}),
                inputs_of(request, target));
  CaseRunRequest run = target.request;
  run.ranks = ranks_of(request, target.ranks.front());
  run.options.schedule = request.schedule;
  run.options.save_schedule = request.save_schedule;
  run.options.values = !request.no_values;
  std::optional<OutputFile> json;
  if (request.json) json.emplace(*request.json);

  const auto start = std::chrono::steady_clock::now();
  const auto make_run = [&] {
    try {
      return run_apart(target, run);
    } catch (const FailedRun& failed) {
      if (json) {
        nlohmann::ordered_json of_failure = parameters(request, target, run);
        add_failed_run(of_failure, failed, run.ranks);
        json->commit(json_text(of_failure));
      }
      throw;
    }
  };
  const CaseRunResult result = make_run();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  if (json) {
    json->commit(json_of(request, target, run, result));
  }
  const std::string text = text_of(request, run, result);
  print_beside(json && json->is_stdout(), text);
  if (target.runs_for_real()) {
    say("{:.3f} us for all calls\n", static_cast<double>(result.report.time_ps) / 1e6);
  } else {
    say("{} chip instructions in {:.3f} s\n", result.report.chip_instructions, elapsed.count());
  }
  return result.mismatch ? 1 : 0;
}

}  // namespace peal
