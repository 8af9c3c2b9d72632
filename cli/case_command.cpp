// SPDX-License-Identifier: Apache-2.0
#include "cli/case_command.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>

#include "cli/number_option.h"
#include "cli/output_file.h"
#include "cli/run_plan.h"
#include "peal/base/error.h"
#include "peal/launch/case_run.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t most_calls = 1000;

std::string case_path(const RunRequest& request) {
  const fs::path target = request.collective;
  if (request.case_file) return *request.case_file;
  if (target.extension() == ".toml") return target.string();
  std::error_code failed;
  if (fs::is_directory(target, failed)) return (target / "case.toml").string();
  throw Error(fmt::format(
      "kernel `{}` has no case; describe its arguments by --arg, or in a TOML file and give --case "
      "FILE",
      request.collective));
}

CaseFile read_flags(const RunRequest& request) {
  const fs::path target = request.collective;
  std::error_code failed;
  if (request.case_file || target.extension() == ".toml" || fs::is_directory(target, failed)) {
    throw Error(fmt::format(
        "--case or a folder with a case and --arg or others that describe a case disagree about "
        "`{}`; give one of them",
        request.collective));
  }
  if (!fs::is_regular_file(target, failed)) {
    throw Error(fmt::format("kernel `{}` is no file; name the source that --arg describes",
                            request.collective));
  }
  CaseFlags flags = request.flags;
  flags.kernel = request.collective;
  return case_of_flags(flags);
}

CaseFile read_case(const RunRequest& request) {
  if (request.flags.any()) return read_flags(request);
  CaseFile file = read_case_file(case_path(request));
  const fs::path target = request.collective;
  if (!request.case_file || target.extension() == ".toml") return file;
  std::error_code failed;
  if (fs::is_directory(target, failed)) return file;
  if (!fs::exists(target, failed)) {
    throw Error(
        fmt::format("kernel `{}` cannot be read: No such file or directory; name an "
                    "existing source file",
                    request.collective));
  }
  for (CaseKernel& kernel : file.kernels) {  // the named source stands for kernel 0
    if (kernel.id == 0) kernel.file = fs::absolute(target).string();
  }
  return file;
}

void note_unused(const RunRequest& request) {
  const std::pair<const char*, bool> unused[] = {
      {"--count", request.count.has_value()},   {"--dtype", request.dtype.has_value()},
      {"--op", request.op.has_value()},         {"--root", request.root.has_value()},
      {"--input", request.input.has_value()},   {"--output", request.output.has_value()},
      {"--fill", request.fill.has_value()},     {"--seed", request.seed.has_value()},
      {"--repeat", request.repeat.has_value()}, {"--algorithm", request.algorithm != "auto"}};
  for (const auto& [option, given] : unused) {
    if (given) fmt::print(stderr, "peal: note: {} is not used by a kernel with a case\n", option);
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
    text += "the case expects nothing: results not compared\n";
  }
  const std::int64_t time_ns = (result.report.time_ps + 500) / 1000;
  fmt::format_to(out, "simulated time: {}.{:03} us\n{}", time_ns / 1000, time_ns % 1000,
                 verdict(result));
  if (result.mismatch) text += ": " + *result.mismatch;
  return text + "\n";
}

std::string json_of(const RunRequest& request, const CaseRunRequest& run,
                    const CaseRunResult& result) {
  nlohmann::ordered_json json;
  json["case"] = request.flags.any() ? request.collective : case_path(request);
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

bool names_case(const RunRequest& request) {
  const fs::path target = request.collective;
  std::error_code failed;
  return request.case_file || request.flags.any() || target.has_parent_path() ||
         target.extension() == ".cpp" || target.extension() == ".toml" ||
         fs::is_directory(target, failed);
}

int case_command(const RunRequest& request) {
  const CaseFile file = read_case(request);
  CaseRunRequest run{.platform = request.platform, .ranks = ranks_of(request, file.ranks.front())};
  if (request.calls) {
    run.calls = static_cast<std::int64_t>(
        parse_number("--calls", *request.calls, {.lowest = 1, .highest = most_calls}));
  }
  if (request.time_limit) {
    run.time_limit_seconds = static_cast<double>(
        parse_number("--time-limit", *request.time_limit, {.lowest = 1, .highest = 86400}));
  }
  run.options.schedule = request.schedule;
  run.options.values = !request.no_values;
  std::optional<OutputFile> json;
  if (request.json) json.emplace(*request.json);
  note_unused(request);

  const auto start = std::chrono::steady_clock::now();
  const CaseRunResult result = run_case(file, run);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  if (json) {
    const std::string text = json_of(request, run, result);
    json->write(std::as_bytes(std::span(text)));
    json->commit();
  }
  const std::string text = text_of(request, run, result);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
  fmt::print(stderr, "{} chip instructions in {:.3f} s\n", result.report.chip_instructions,
             elapsed.count());
  return result.mismatch ? 1 : 0;
}

}  // namespace peal
