// SPDX-License-Identifier: Apache-2.0
#include "cli/case_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/case_target.h"
#include "cli/output_file.h"
#include "cli/run_plan.h"
#include "peal/base/error.h"
#include "peal/base/say.h"
#include "peal/launch/case_run.h"

namespace peal {
namespace {

void note_unused(const RunRequest& request, const CaseTarget& target) {
  const std::pair<const char*, bool> unused[] = {{"--count", request.count.has_value()},
                                                 {"--dtype", request.dtype.has_value()},
                                                 {"--op", request.op.has_value()},
                                                 {"--root", request.root.has_value()},
                                                 {"--input", request.input.has_value()},
                                                 {"--output", request.output.has_value()},
                                                 {"--fill", request.fill.has_value()},
                                                 {"--seed", request.seed.has_value()},
                                                 {"--set", target.kernel && !request.set.empty()},
                                                 {"--repeat", request.repeat.has_value()},
                                                 {"--algorithm", request.algorithm != "auto"}};
  for (const auto& [option, given] : unused) {
    if (given) say("peal: note: {} is not used by a kernel of one's own\n", option);
  }
}

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
  } else {
    text += "nothing is expected: results not compared\n";
  }
  const std::int64_t time_ns = (result.report.time_ps + 500) / 1000;
  fmt::format_to(out, "simulated time: {}.{:03} us\n{}", time_ns / 1000, time_ns % 1000,
                 verdict(result));
  if (result.mismatch) text += ": " + *result.mismatch;
  return text + "\n";
}

std::string json_of(const RunRequest& request, const CaseTarget& target, const CaseRunRequest& run,
                    const CaseRunResult& result) {
  nlohmann::ordered_json json;
  json[target.kernel ? "kernel" : "case"] = target.path;
  json["platform"] = run.platform;
  json["ranks"] = run.ranks;
  json["calls"] = result.calls;
  json["schedule"] = request.schedule;
  json["verdict"] = verdict(result);
  if (result.compared) {
    json["tolerance"] = result.tolerance;
    json["max_differences"] = result.differences;
  }
  if (result.mismatch) json["mismatch"] = *result.mismatch;
  json["time_ps"] = result.report.time_ps;
  json["chip_instructions"] = result.report.chip_instructions;
  return json.dump(2) + "\n";
}

}  // namespace

int case_command(const RunRequest& request) {
  const CaseTarget target = find_case_target(request);
  CaseRunRequest run = target.request;
  run.ranks = ranks_of(request, target.ranks.front());
  run.options.schedule = request.schedule;
  run.options.save_schedule = request.save_schedule;
  run.options.values = !request.no_values;
  std::optional<OutputFile> json;
  if (request.json) json.emplace(*request.json);
  note_unused(request, target);

  const auto start = std::chrono::steady_clock::now();
  const CaseRunResult result = target.run(run);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  if (json) {
    json->commit(json_of(request, target, run, result));
  }
  const std::string text = text_of(request, run, result);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
  say("{} chip instructions in {:.3f} s\n", result.report.chip_instructions, elapsed.count());
  return result.mismatch ? 1 : 0;
}

}  // namespace peal
