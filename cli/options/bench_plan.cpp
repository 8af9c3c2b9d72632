// SPDX-License-Identifier: Apache-2.0
#include "cli/options/bench_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/options/number_option.h"
#include "cli/options/unused_option.h"
#include "peal/base/error.h"
#include "peal/collectives/registry.h"
#include "peal/launch/launch.h"

namespace peal {
namespace {

constexpr std::uint64_t max_iterations = 1'000'000;

std::vector<std::size_t> counts_of(const BenchRequest& request, const BenchPlan& plan) {
  const std::vector<std::uint64_t> sizes =
      parse_sizes(request.smallest, request.largest, request.factor);
  const CollectiveShape blocks = shape(plan.collective, plan.ranks);
  if (blocks.send_blocks == 0) return {0};  // a barrier has no size
  const auto most = static_cast<std::size_t>(std::max({blocks.send_blocks, blocks.recv_blocks, 1}));
  std::vector<std::size_t> counts;
  for (const std::uint64_t size : sizes) {
    counts.push_back(std::max<std::size_t>(1, size / most / peal::size_bytes(plan.dtype)));
  }
  return counts;
}

}  // namespace

BenchPlan make_bench_plan(const BenchRequest& request) {
  BenchPlan plan;
  plan.collective = parse_collective(request.collective);
  const UnusedOption of_kernels[] = {
      {"--count", request.count.has_value(), "give sizes by -b and -e"},
      {"--set", !request.set.empty(), "it is for the values of kernels; give sizes by -b and -e"}};
  refuse_unused(request.collective, of_kernels);
  plan.executor = open_executor(platform_meant(request.platform));
  if (plan.executor->is_simulated()) {
    throw UsageError(
        fmt::format("bench: platform `{}` is simulated, and this measures; use shm, or `peal "
                    "run -p {}` for the simulated time",
                    request.platform, request.platform));
  }
  plan.algorithm = request.algorithm;
  if (plan.algorithm != "auto") {
    static_cast<void>(find_algorithm(plan.collective, plan.algorithm));
  }
  plan.ranks = static_cast<int>(
      parse_number("--ranks", request.ranks.value_or("2"), {.lowest = 1, .highest = 1024}));
  plan.dtype = parse_dtype(request.dtype.value_or("f32"));
  plan.op = parse_reduce_op(request.op.value_or("sum"));
  plan.root = static_cast<int>(
      parse_number("--root", request.root.value_or("0"),
                   {.lowest = 0, .highest = static_cast<std::uint64_t>(plan.ranks - 1)}));
  if (request.iterations) {
    plan.iterations =
        parse_number("--iterations", *request.iterations, {.lowest = 1, .highest = max_iterations});
  }
  plan.counts = counts_of(request, plan);
  return plan;
}

}  // namespace peal
