// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/tune_command.h"

#include <fmt/format.h>

#include <filesystem>
#include <vector>

#include "cli/options/number_option.h"
#include "cli/output/bench_warnings.h"
#include "cli/output/progress_bar.h"
#include "peal/base/error.h"
#include "peal/collectives/tuning/defaults.h"
#include "peal/launch/launch.h"
#include "peal/tools/algorithm_tuning.h"
#include "peal/tools/tune_memory.h"

namespace peal {
namespace {

std::string describe(const MeasuredChoice& choice) {
  const ChoiceConditions& conditions = choice.conditions;
  std::string text =
      fmt::format("{:15} {:3} ranks, {}{}{}:", name(conditions.collective), conditions.ranks,
                  conditions.in_windows ? "windows" : "private memory",
                  conditions.is_oversubscribed ? ", more than processors" : "",
                  conditions.lacks_shared_cache ? ", far lines" : "");
  for (std::size_t i = 0; i < choice.algorithms.size(); ++i) {
    text += i + 1 == choice.algorithms.size()
                ? fmt::format(" {}", choice.algorithms[i])
                : fmt::format(" {} to {} B,", choice.algorithms[i], choice.max_bytes[i]);
  }
  return text;
}

std::vector<TuningCase> cases_of(const TuneRequest& request) {
  std::vector<int> ranks;
  for (std::string_view rest = request.ranks ? std::string_view(*request.ranks) : "2,4,8";;) {
    const std::string item(rest.substr(0, rest.find(',')));
    ranks.push_back(
        static_cast<int>(parse_number("--ranks", item, {.lowest = 2, .highest = 1024})));
    if (item.size() == rest.size()) break;
    rest.remove_prefix(item.size() + 1);
  }
  std::vector<TuningCase> cases;
  for (Collective collective : all_collectives) {
    if (request.collective && parse_collective(*request.collective) != collective) continue;
    for (int count : ranks) {
      for (bool in_windows : {true, false}) {
        TuningCase of{.collective = collective, .ranks = count, .in_windows = in_windows};
        if (in_windows && !uses_windows(collective, of.placement())) continue;
        if (of.candidates().size() > 1) cases.push_back(of);
      }
    }
  }
  if (cases.empty()) {
    throw UsageError(
        fmt::format("tune: {} has only one algorithm that `auto` may take, of which those "
                    "that combine do so in rank order; name another collective",
                    *request.collective));
  }
  return cases;
}

}  // namespace

int tune_command(const TuneRequest& request) {
  const std::vector<TuningCase> cases = cases_of(request);
  const auto executor = open_executor("shm");
  const std::filesystem::path folder = tune_folder();
  warn_of_useless_figures(2);
  ProgressBar bar(static_cast<double>(cases.size()));
  std::vector<MeasuredChoice> fresh;
  for (const TuningCase& of : cases) {
    fresh.push_back(measure_choice(*executor, of));
    bar.update(static_cast<double>(fresh.size()));
  }
  bar.finish();
  const std::filesystem::path path = remember_choices(folder, fresh);
  for (const MeasuredChoice& choice : fresh) fmt::print("{}\n", describe(choice));
  fmt::print("written to {}\n", path.string());
  return 0;
}

}  // namespace peal
