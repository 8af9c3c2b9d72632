// SPDX-License-Identifier: Apache-2.0
#include "cli/options/run_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/options/number_option.h"
#include "cli/options/unused_option.h"
#include "peal/base/error.h"
#include "peal/collectives/tuning/chooser.h"
#include "peal/launch/launch.h"
#include "peal/tools/device_list.h"

namespace peal {
namespace {

constexpr std::uint64_t max_repeats = 10000000;
constexpr std::size_t max_buffer_bytes = std::size_t{1} << 40;  // of one buffer of a rank
constexpr int usual_ranks = 4;
constexpr std::size_t default_count = 256;

// An option, whether it was given, and whether it has an effect.
struct Unused {
  const char* option;
  bool given;
  bool used;
};

Fill parse_fill(const RunRequest& request) {
  Fill fill;
  if (request.seed) fill.seed = parse_number("--seed", *request.seed, {});
  const std::string kind = request.fill.value_or("ramp");
  if (kind != "ramp" && kind != "rand") {
    throw UsageError(fmt::format("--fill `{}` is unknown; use one of ramp, rand", kind));
  }
  fill.kind = kind == "ramp" ? Fill::Kind::ramp : Fill::Kind::rand;
  return fill;
}

int parse_root(const RunRequest& request, const RunPlan& plan) {
  if (!request.root) return 0;
  const std::uint64_t root =
      parse_number("--root", *request.root, {.lowest = 0, .highest = max_ranks - 1});
  if (!plan.shape.has_root) return 0;
  const auto last = static_cast<std::uint64_t>(plan.ranks) - 1;
  if (root > last) {
    throw UsageError(fmt::format("{}: root {} is not one of the {} ranks 0..{}; use one of them",
                                 request.collective, root, plan.ranks, last));
  }
  return static_cast<int>(root);
}

void check_input_shape(const std::string& path, const NpyArray& input, const RunPlan& plan) {
  if (input.shape.size() != 2) {
    throw UsageError(
        fmt::format("input `{}` has {} dimensions; give 2: a row for each of the {} ranks", path,
                    input.shape.size(), plan.ranks));
  }
  const std::size_t rows = input.shape[0], length = input.shape[1];
  if (rows != static_cast<std::size_t>(plan.ranks)) {
    throw UsageError(
        fmt::format("input `{}` has {} rows for {} ranks; give a row for each rank, or -n {}", path,
                    rows, plan.ranks, rows));
  }
  const auto blocks = static_cast<std::size_t>(plan.shape.send_blocks);
  if (length % blocks != 0) {
    throw UsageError(
        fmt::format("input `{}` has rows of {} elements, which {} cannot cut into {} "
                    "blocks; give a multiple of {}",
                    path, length, name(plan.collective), blocks, blocks));
  }
}

// Takes dtype and count from the file. Throws Error if options contradict the file.
void plan_input(const RunRequest& request, RunPlan& plan) {
  const std::string& path = *request.input;
  NpyArray input = read_npy(path);
  check_input_shape(path, input, plan);
  if (request.dtype && plan.dtype != input.dtype) {
    throw UsageError(fmt::format("input `{}` holds {}, --dtype says {}; leave --dtype away", path,
                                 name(input.dtype), name(plan.dtype)));
  }
  const std::size_t count = input.shape[1] / static_cast<std::size_t>(plan.shape.send_blocks);
  if (request.count && plan.count != count) {
    throw UsageError(
        fmt::format("input `{}` has rows for count {}, --count says {}; leave --count away", path,
                    count, plan.count));
  }
  plan.dtype = input.dtype;
  plan.count = count;
  plan.input = std::move(input);
}

void check_buffer_size(const RunPlan& plan) {
  const int blocks = std::max(plan.shape.send_blocks, plan.shape.recv_blocks);
  if (blocks == 0) return;
  const std::size_t most =
      (max_buffer_bytes - 1) / size_bytes(plan.dtype) / static_cast<std::size_t>(blocks);
  if (plan.count <= most) return;
  throw UsageError(
      fmt::format("--count {} of {} in {} block{} does not stay below 2^40 bytes for a rank; "
                  "use at most {}",
                  plan.count, name(plan.dtype), blocks, blocks == 1 ? "" : "s", most));
}

void check_values_off(const RunRequest& request) {
  if (!request.no_values || (!request.input && !request.output)) return;
  throw UsageError(
      fmt::format("--no-values moves no data, so {} cannot be had with it; give one of them",
                  request.input ? "--input" : "--output"));
}

std::vector<std::string> unused_notes(const RunRequest& request, const RunPlan& plan) {
  const bool data = plan.shape.recv_blocks > 0;
  const bool fills = data && plan.values && !plan.input;
  const Unused options[] = {
      {"--count", request.count.has_value(), data},
      {"--dtype", request.dtype.has_value(), data},
      {"--op", request.op.has_value(), plan.shape.has_op},
      {"--root", request.root.has_value(), plan.shape.has_root},
      {"--input", request.input.has_value(), data},
      {"--output", request.output.has_value(), data},
      {"--no-values", request.no_values, data},
      {"--fill", request.fill.has_value(), fills},
      {"--seed", request.seed.has_value(), fills && plan.fill.kind == Fill::Kind::rand},
  };
  const char* const collective = name(plan.collective);
  std::vector<std::string> notes;
  for (const Unused& unused : options) {
    if (!unused.given || unused.used) continue;
    const std::string_view option = unused.option;
    const bool of_fill = data && (option == "--fill" || option == "--seed");
    const std::string who = !of_fill      ? collective
                            : plan.input  ? "a run with --input"
                            : plan.values ? "--fill ramp"
                                          : "a run with --no-values";
    notes.push_back(fmt::format("{} does not use {}", who, option));
  }
  return notes;
}

// Throws Error for options that only apply to kernels and their cases.
void refuse_options_of_kernels(const RunRequest& request) {
  const UnusedOption options[] = {
      {"--set", !request.set.empty(), "it is for the values of kernels; use --count and its kin"},
      {"--time-limit", request.time_limit.has_value(), "its kernels end; leave it away"}};
  refuse_unused(request.collective, options);
}

const Algorithm& choose(const RunPlan& plan) {
  const std::size_t block_bytes = plan.count * size_bytes(plan.dtype);
  // A separate run makes the choice, as the ranks of a program would.
  auto& chosen =
      *reinterpret_cast<const Algorithm**>(plan.executor->share(sizeof(const Algorithm*)).data());
  plan.executor->run(plan.ranks,
                     [&](Team& team) {
                       Chooser chooser;
                       const Choice choice = chooser.choose(team, plan.collective, plan.count,
                                                            plan.dtype, in_windows);
                       log_choice(team.rank(), team.size(), choice, block_bytes, in_windows);
                       if (team.rank() == 0)
                         chosen = choice.algorithm;  // its address is the same in forked processes
                     },
                     {});
  return *chosen;
}

}  // namespace

int ranks_of(const RunRequest& request, int otherwise) {
  std::optional<int> ranks, devices;
  if (request.ranks) {
    ranks = static_cast<int>(
        parse_number("--ranks", *request.ranks, {.lowest = 1, .highest = max_ranks}));
  }
  if (request.devices) devices = static_cast<int>(parse_devices(*request.devices).size());
  if (ranks && devices && ranks != devices) {
    throw UsageError(
        fmt::format("--ranks {} and --devices {}, which are {}, disagree; give one of them", *ranks,
                    *request.devices, *devices));
  }
  return ranks ? *ranks : devices.value_or(otherwise);
}

RunPlan make_run_plan(const RunRequest& request, std::unique_ptr<Executor> executor) {
  RunPlan plan;
  if (request.collective.find_first_of("./") != std::string::npos) {
    throw UsageError(fmt::format(
        "`{}` is no file; name a kernel, case or recorded run that exists, or a collective",
        request.collective));
  }
  plan.collective = parse_collective(request.collective);
  refuse_options_of_kernels(request);
  plan.ranks = ranks_of(request, usual_ranks);
  plan.shape = shape(plan.collective, plan.ranks);
  plan.count = request.count ? parse_count("--count", *request.count,
                                           {.lowest = 0, .highest = max_buffer_bytes - 1})
                             : default_count;
  if (request.dtype) plan.dtype = parse_dtype(*request.dtype);
  if (request.op) plan.op = parse_reduce_op(*request.op);
  plan.root = parse_root(request, plan);
  plan.fill = parse_fill(request);
  plan.values = !request.no_values;
  if (request.repeat) {
    plan.calls = parse_number("--repeat", *request.repeat, {.lowest = 1, .highest = max_repeats});
  }
  if (plan.shape.recv_blocks > 0) check_values_off(request);
  plan.executor = executor != nullptr ? std::move(executor) : open_executor(request.platform);
  if (request.algorithm != "auto")
    plan.algorithm = &find_algorithm(plan.collective, request.algorithm);
  if (request.input && plan.shape.send_blocks > 0) plan_input(request, plan);
  check_buffer_size(plan);
  if (plan.algorithm == nullptr) {
    plan.chosen_by_cost = true;
    plan.algorithm = &choose(plan);
  }
  plan.fill.ranks = plan.ranks;
  if (plan.shape.has_op) plan.fill.op = plan.op;
  plan.notes = unused_notes(request, plan);
  return plan;
}

}  // namespace peal
