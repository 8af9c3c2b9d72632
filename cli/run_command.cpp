// SPDX-License-Identifier: Apache-2.0
#include "cli/run_command.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/case_command.h"
#include "cli/case_target.h"
#include "cli/npy.h"
#include "cli/output_file.h"
#include "cli/run_outcome.h"
#include "cli/run_plan.h"
#include "cli/run_record.h"
#include "peal/base/error.h"
#include "peal/base/say.h"

namespace peal {
namespace {

void write_results(const RunPlan& plan, const RunOutcome& outcome, NpyOutput& file) {
  const std::array shape = {static_cast<std::size_t>(plan.ranks), plan.recv_length()};
  std::vector<std::span<const std::byte>> rows;
  for (const View& recv : outcome.recv) rows.emplace_back(recv.data, recv.size_bytes());
  file.commit(plan.dtype, shape, rows);
}

void check_different(const RunRequest& request) {
  if (!request.output || request.output != request.json) return;
  throw Error(fmt::format("--output and --json are both `{}`; give two paths", *request.json));
}

}  // namespace

int run_command(const RunRequest& request) {
  if (names_case(request)) return case_command(request);
  check_different(request);
  const RunPlan plan = make_run_plan(request);
  // Opened before the work, so that a path that cannot be written is known at once.
  std::optional<NpyOutput> output;
  if (request.output && plan.compares()) output.emplace(*request.output);
  std::optional<OutputFile> json;
  if (request.json) json.emplace(*request.json);
  for (const std::string& note : plan.notes) say("peal: note: {}\n", note);

  const RunOutcome outcome = carry_out(plan, {request.schedule, request.save_schedule});
  const RunRecord record{request, plan, outcome};
  if (output) write_results(plan, outcome, *output);
  if (json) {
    json->commit(run_json(record).dump(2) + "\n");
  }
  const std::string text = run_text(record);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
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
