// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/run_command.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/commands/case_command.h"
#include "cli/options/case_target.h"
#include "cli/options/run_plan.h"
#include "cli/options/unused_option.h"
#include "cli/output/json_text.h"
#include "cli/output/print_beside.h"
#include "cli/output/progress_bar.h"
#include "cli/output/run_record.h"
#include "cli/output/say.h"
#include "peal/base/error.h"
#include "peal/tools/collective_run.h"
#include "peal/tools/files/npy.h"
#include "peal/tools/files/output_file.h"

namespace peal {
namespace {

void write_results(const RunPlan& plan, const RunOutcome& outcome, NpyOutput& file) {
  const std::array shape = {static_cast<std::size_t>(plan.ranks), plan.recv_length()};
  std::vector<std::span<const std::byte>> rows;
  for (const View& recv : outcome.recv) rows.emplace_back(recv.data, recv.size_bytes());
  file.commit(plan.dtype, shape, rows);
}

}  // namespace

int run_command(const RunRequest& request) {
  if (names_case(request)) return case_command(request);
  check_outputs(named_files({{"--output", request.output},
                             {"--json", request.json},
                             {"--save-schedule", request.save_schedule}}),
                named_files({{"--input", request.input},
                             {"--schedule", request.schedule},
                             {"--platform", request.platform}}));
  const UnusedOption of_kernels[] = {{"--calls", request.calls.has_value(), "use --repeat"}};
  refuse_unused(request.collective, of_kernels);
  const RunPlan plan = make_run_plan(request);
  // Opened before the run, so that a path that cannot be written is refused at once.
  std::optional<NpyOutput> output;
  if (request.output && plan.compares()) output.emplace(*request.output);
  std::optional<OutputFile> json;
  if (request.json) json.emplace(*request.json);
  for (const std::string& note : plan.notes) say("peal: note: {}\n", note);

  const auto run = [&] {
    ProgressBar bar(expected_notifies(plan));
    const auto progress = [&bar](std::uint64_t done) { bar.update(static_cast<double>(done)); };
    try {
      return carry_out(
          plan,
          {.schedule = request.schedule, .save = request.save_schedule, .progress = progress});
    } catch (const FailedRun& failed) {
      if (json) json->commit(json_text(failed_run_json(request, plan, failed)));
      throw;
    }
  };
  const RunOutcome outcome = run();
  const RunRecord record{request, plan, outcome};
  if (output) write_results(plan, outcome, *output);
  if (json) {
    json->commit(json_text(run_json(record)));
  }
  const std::string text = run_text(record);
  print_beside((json && json->is_stdout()) || (output && output->is_stdout()), text);
  if (!plan.executor->is_simulated()) {
    say("{:.3f} us a call\n",
        static_cast<double>(outcome.report.time_ps) / 1e6 / static_cast<double>(plan.calls));
    return outcome.failure ? 1 : 0;
  }
  const double instructions = static_cast<double>(outcome.report.chip_instructions);
  say("{} chip instructions in {:.3f} s, {:.1f} M/s\n", outcome.report.chip_instructions,
      outcome.host_seconds,
      outcome.host_seconds > 0 ? instructions / outcome.host_seconds / 1e6 : 0.0);
  return outcome.failure ? 1 : 0;
}

}  // namespace peal
