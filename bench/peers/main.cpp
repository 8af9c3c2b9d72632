// SPDX-License-Identifier: Apache-2.0
// Measures the same collectives with Peal and with other libraries. Started by a user, the program
// is the driver; it is also the program of the ranks that need no other library.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/peers/race.h"
#include "bench/peers/rank_limit.h"
#include "bench/peers/rank_peal.h"
#include "bench/peers/rendezvous.h"
#include "bench/peers/summary.h"
#include "cli/options/number_option.h"
#include "cli/output/bench_warnings.h"
#include "peal/base/error.h"
#include "peal/tools/files/output_file.h"

namespace peal::peers {
namespace {

constexpr int failed = 1, misuse = 2, interrupted = 130;

// The command line, as typed.
struct Request {
  std::string ranks = "2", time = "300", peal;
  std::optional<std::string> smallest, largest, factor, rounds, json;
  std::vector<std::string> collectives, regimes, contestants;
  bool spinner = false;
};

void add_options(CLI::App& app, Request& request) {
  const auto add = [&app](const char* names, auto& value, const char* type, const char* help) {
    return app.add_option(names, value, help)->type_name(type);
  };
  add("-n,--ranks", request.ranks, "N", "Number of ranks; default 2");
  add("-b,--smallest", request.smallest, "BYTES",
      "The smallest size, such as 8 or 4K; default 8, 256, 4K, 64K, 1M, 16M, 64M");
  add("-e,--largest", request.largest, "BYTES",
      "The largest size; default 64M, or the smallest if that is given");
  add("-f,--factor", request.factor, "N", "From one size to the next; default 4");
  add("--collective", request.collectives, "NAME",
      "all_reduce, all_gather, all_to_all, reduce_scatter, broadcast; default all of them")
      ->delimiter(',');
  add("--regime", request.regimes, "NAME", "touched, untouched; default both, the latter up to 64K")
      ->delimiter(',');
  add("--contestants", request.contestants, "NAME",
      "Those whose names begin so, such as peal,limit,openmpi; default everybody")
      ->delimiter(',');
  add("--rounds", request.rounds, "N", "Rounds; default as many as --time allows");
  add("--time", request.time, "S", "Seconds of the whole run; default 300");
  app.add_flag("--spinner", request.spinner, "Keep one processor busy with other work");
  add("--peal", request.peal, "FILE", "The command peal; default that of this build");
  add("--json", request.json, "FILE", "Write rows and batches as JSON");
}

// The enumerators that were named, or all of them.
template <class Kind, class Names>
std::vector<Kind> chosen(const char* option, const std::vector<std::string>& wanted,
                         const Names& names) {
  std::vector<Kind> result;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool is_wanted = std::find(wanted.begin(), wanted.end(), names[i]) != wanted.end();
    if (wanted.empty() || is_wanted) result.push_back(static_cast<Kind>(i));
  }
  for (const std::string& name : wanted) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      throw UsageError(fmt::format("{} `{}` is not known; use one of: {}", option, name,
                                   fmt::join(names, ", ")));
    }
  }
  return result;
}

RacePlan make_plan(const Request& request) {
  RacePlan plan;
  plan.ranks = static_cast<int>(
      parse_number("--ranks", request.ranks,
                   {.lowest = 1, .highest = static_cast<std::uint64_t>(Rendezvous::max_ranks)}));
  plan.operations = chosen<Operation>("--collective", request.collectives, operation_names);
  plan.regimes = chosen<Regime>("--regime", request.regimes, regime_names);
  if (request.regimes.empty()) plan.max_untouched = 64 << 10;
  if (request.smallest || request.largest || request.factor) {
    plan.sizes = parse_sizes(request.smallest, request.largest, request.factor);
  } else {
    plan.sizes = {8, 256, 4 << 10, 64 << 10, 1 << 20, 16 << 20, 64 << 20};
  }
  plan.seconds = parse_number("--time", request.time, {.lowest = 1, .highest = 86400});
  if (request.rounds) {
    plan.rounds = parse_number("--rounds", *request.rounds, {.lowest = 1, .highest = 100'000});
  }
  plan.wanted = request.contestants;
  plan.peal = request.peal;
  plan.spinner = request.spinner;
  return plan;
}

// Reports contestants with wrong values on stderr; returns true if there are none.
bool report_wrong(const RaceResult& result) {
  std::vector<std::uint64_t> wrong(result.field.contestants.size());
  for (const Record& record : result.records) wrong[record.contestant] += record.wrong;
  bool is_right = true;
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    if (wrong[i] == 0) continue;
    is_right = false;
    fmt::print(stderr, "bench_peers: {} has given {} wrong values; its batches are in --json\n",
               result.field.contestants[i].name, wrong[i]);
  }
  return is_right;
}

int drive(const Request& request) {
  const RacePlan plan = make_plan(request);
  std::optional<OutputFile> json;
  if (request.json) json.emplace(*request.json);
  warn_of_useless_figures(plan.ranks);
  const RaceResult result = race(plan);
  std::vector<Summary> summaries;
  for (const Mode& mode : modes_of(result.records)) {
    summaries.push_back(summarise(plan, result, mode));
    const std::string text = tables(plan, result, summaries.back());
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
  if (json) json->commit(report(plan, result, summaries).dump(2) + "\n");
  const bool is_right = report_wrong(result);
  if (result.interrupted) return interrupted;
  return is_right && result.failures.empty() ? 0 : failed;
}

// The role in which the driver has started this program.
std::optional<int> serve_as_rank(int argc, char** argv) {
  const std::string role = argc > 1 ? argv[1] : "";
  const auto number = [&](int index) { return std::atoi(argv[index]); };
  if (role == "rank-of-peal" && argc == 4) {
    return serve_peal(argv[2], static_cast<std::uint32_t>(number(3)));
  }
  if (role == "rank-of-limit" && argc == 6) {
    return serve_limit(argv[2], static_cast<std::uint32_t>(number(3)), number(4), number(5));
  }
  return std::nullopt;
}

int run(int argc, char** argv) {
  if (const std::optional<int> code = serve_as_rank(argc, argv)) return *code;
  CLI::App app("Measures collectives through Peal, MPI and Gloo in turns, and compares them.",
               "bench_peers");
  Request request;
  add_options(app, request);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    throw UsageError(error.what());
  }
  return drive(request);
}

}  // namespace
}  // namespace peal::peers

int main(int argc, char** argv) {
  try {
    return peal::peers::run(argc, argv);
  } catch (const peal::Error& error) {
    fmt::print(stderr, "bench_peers: {}\n", error.what());
    return peal::peers::misuse;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_peers: {}\n", error.what());
    return peal::peers::failed;
  }
}
