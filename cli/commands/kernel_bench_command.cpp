// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/kernel_bench_command.h"

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/options/case_target.h"
#include "cli/options/number_option.h"
#include "cli/options/run_request.h"
#include "cli/options/unused_option.h"
#include "cli/output/bench_warnings.h"
#include "cli/output/json_text.h"
#include "cli/output/print_beside.h"
#include "peal/base/error.h"
#include "peal/tools/files/output_file.h"
#include "peal/tools/kernel_bench.h"

namespace peal {
namespace {

constexpr std::int64_t max_timed_calls = 100'000;

RunRequest run_request(const BenchRequest& request) {
  RunRequest run;
  run.collective = request.collective;
  run.platform = request.platform;
  run.count = request.count;
  run.set = request.set;
  return run;
}

void refuse_options_of_collectives(const BenchRequest& request) {
  const UnusedOption options[] = {
      {"--smallest", request.smallest.has_value(), "give sizes by its values: -c, --set"},
      {"--largest", request.largest.has_value(), "give sizes by its values: -c, --set"},
      {"--factor", request.factor.has_value(), "give sizes by its values: -c, --set"},
      {"--algorithm", request.algorithm != "auto", "leave it away: the kernel is the algorithm"},
      {"--dtype", request.dtype.has_value(), "its description gives the types"},
      {"--op", request.op.has_value(), "what its description expects names the operation"},
      {"--root", request.root.has_value(), "what its description expects names the root"}};
  refuse_unused(fmt::format("kernel `{}`", request.collective), options);
}

}  // namespace

bool names_kernel(const BenchRequest& request) { return names_case(run_request(request)); }

int kernel_bench(const BenchRequest& request) {
  refuse_options_of_collectives(request);
  if (is_simulated(request.platform)) {
    throw UsageError(
        fmt::format("bench: platform `{}` is simulated, and this measures; use shm, or `peal "
                    "run {} -p {}` for the simulated time",
                    request.platform, request.collective, request.platform));
  }
  const CaseTarget target = find_case_target(run_request(request));
  if (!target.kernel) {
    throw UsageError(fmt::format(
        "bench: `{}` is a PTO kernel, which runs in the simulator alone; use `peal run`",
        request.collective));
  }
  const int ranks = static_cast<int>(
      parse_number("--ranks", request.ranks.value_or("2"), {.lowest = 1, .highest = 1024}));
  std::optional<std::int64_t> iterations;
  if (request.iterations) {
    iterations = static_cast<std::int64_t>(parse_number("--iterations", *request.iterations,
                                                        {.lowest = 1, .highest = max_timed_calls}));
  }
  std::optional<OutputFile> json;
  if (request.json) json.emplace(*request.json);
  warn_of_useless_figures(ranks);
  const KernelTimes times = measure_kernel(*target.kernel, ranks, iterations);
  std::string text = fmt::format(
      "# {} on {}, {} ranks; p50 and p99 of the slowest rank\n{:>8} {:>11} {:>11}\n{:>8} {:>11.2f} "
      "{:>11.2f}\n{}",
      request.collective, request.platform, ranks, "calls", "time us", "p99 us",
      times.calls.ns.size(), times.calls.median_us(), times.calls.p99_us(), times.verdict());
  if (times.mismatch) text += ": " + *times.mismatch;
  if (json) {
    nlohmann::ordered_json all = {{"kernel", request.collective},
                                  {"platform", request.platform},
                                  {"ranks", ranks},
                                  {"calls", times.calls.ns.size()},
                                  {"median_us", times.calls.median_us()},
                                  {"p99_us", times.calls.p99_us()},
                                  {"verdict", times.verdict()}};
    if (times.mismatch) all["mismatch"] = *times.mismatch;
    json->commit(json_text(all));
  }
  print_beside(json && json->is_stdout(), text + "\n");
  return times.mismatch ? 1 : 0;
}

}  // namespace peal
