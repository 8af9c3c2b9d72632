// SPDX-License-Identifier: Apache-2.0
#include "cli/kernel_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/bench_warnings.h"
#include "cli/case_target.h"
#include "cli/json_text.h"
#include "cli/number_option.h"
#include "cli/output_file.h"
#include "cli/run_request.h"
#include "cli/unused_option.h"
#include "peal/base/error.h"
#include "peal/launch/real_kernel_run.h"

namespace peal {
namespace {

constexpr std::int64_t warm_up = 10;
constexpr std::int64_t max_timed_calls = 100'000, usual_iterations = 200;
constexpr std::int64_t usual_runs = 20;  // default for a kernel that needs fresh windows

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

struct Times {
  std::vector<std::int64_t> ns;  // times of the calls, ascending
  bool compared = false;
  std::optional<std::string> mismatch;

  [[nodiscard]] double median_us() const { return static_cast<double>(ns[ns.size() / 2]) / 1000; }
  [[nodiscard]] double p99_us() const {
    return static_cast<double>(ns[ns.size() - 1 - ns.size() / 100]) / 1000;
  }
  [[nodiscard]] const char* verdict() const {
    if (mismatch) return "FAIL";
    return compared ? "PASS" : "DONE";
  }
};

// One run of many calls, or, if each call needs fresh windows, many runs of one call.
Times measure(const Kernel& kernel, int ranks, std::optional<std::int64_t> iterations) {
  const bool is_fresh = kernel.calls == 1;
  const std::int64_t runs = is_fresh ? iterations.value_or(usual_runs) : 1;
  const std::int64_t calls = is_fresh ? 1 : warm_up + iterations.value_or(usual_iterations);
  Times times;
  for (std::int64_t run = 0; run < runs && !times.mismatch; ++run) {
    const RealKernelRun done =
        run_kernel_for_real(kernel, {.ranks = ranks, .calls = calls}, RealCalls::timed);
    times.ns.insert(times.ns.end(), done.call_ns.begin() + (is_fresh ? 0 : warm_up),
                    done.call_ns.end());
    times.compared = done.result.compared;
    times.mismatch = done.result.mismatch;
  }
  std::ranges::sort(times.ns);
  return times;
}

}  // namespace

bool names_kernel(const BenchRequest& request) { return names_case(run_request(request)); }

int kernel_bench(const BenchRequest& request) {
  refuse_options_of_collectives(request);
  if (is_simulated(request.platform)) {
    throw Error(
        fmt::format("bench: platform `{}` is simulated, and this measures; use shm, or `peal "
                    "run {} -p {}` for the simulated time",
                    request.platform, request.collective, request.platform));
  }
  const CaseTarget target = find_case_target(run_request(request));
  if (!target.kernel) {
    throw Error(fmt::format(
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
  const Times times = measure(*target.kernel, ranks, iterations);
  std::string text = fmt::format(
      "# {} on {}, {} ranks; p50 and p99 of the slowest rank\n{:>8} {:>11} {:>11}\n{:>8} {:>11.2f} "
      "{:>11.2f}\n{}",
      request.collective, request.platform, ranks, "calls", "time us", "p99 us", times.ns.size(),
      times.median_us(), times.p99_us(), times.verdict());
  if (times.mismatch) text += ": " + *times.mismatch;
  if (json) {
    nlohmann::ordered_json all = {{"kernel", request.collective},
                                  {"platform", request.platform},
                                  {"ranks", ranks},
                                  {"calls", times.ns.size()},
                                  {"median_us", times.median_us()},
                                  {"p99_us", times.p99_us()},
                                  {"verdict", times.verdict()}};
    if (times.mismatch) all["mismatch"] = *times.mismatch;
    json->commit(json_text(all));
  }
  print_beside(json && json->is_stdout(), text + "\n");
  return times.mismatch ? 1 : 0;
}

}  // namespace peal
