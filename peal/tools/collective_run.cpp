// SPDX-License-Identifier: Apache-2.0
#include "peal/tools/collective_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "peal/base/error.h"
#include "peal/collectives/collectives.h"
#include "peal/collectives/scratch.h"
#include "peal/tools/failed_run.h"

namespace peal {
namespace {

void fill_send(const RunPlan& plan, int rank, std::uint64_t call, const View& send) {
  if (!plan.input) return plan.fill.apply(rank, call, send);
  if (send.empty()) return;
  const std::byte* const rows = plan.input->data.data();
  std::memcpy(send.data, rows + static_cast<std::size_t>(rank) * send.size_bytes(),
              send.size_bytes());
}

// The result of one rank.
struct RankOutcome {
  View send, recv;
  int entered = 0;  // see RunOutcome
};

// Makes one rank's calls, back to back. `entered` counts, per call, the ranks that have entered it.
void make_calls(const RunPlan& plan, Team& team, std::span<int> entered, RankOutcome& outcome) {
  View send, recv;
  if (plan.shape.send_blocks > 0) {
    send = team.allocate(plan.send_length(), plan.dtype);
    recv = team.allocate(plan.recv_length(), plan.dtype);
    outcome.send = send;
    outcome.recv = recv;
  }
  for (std::uint64_t call = 0; call < plan.calls; ++call) {
    if (plan.compares()) fill_send(plan, team.rank(), call, send);
    std::atomic_ref(entered[call]).fetch_add(1);
    run_collective(team, {.collective = plan.collective,
                          .send = send,
                          .recv = recv,
                          .op = plan.op,
                          .root = plan.root,
                          .algorithm = plan.algorithm->name});
    outcome.entered = std::min(outcome.entered, std::atomic_ref(entered[call]).load());
  }
}

std::optional<std::string> first_failure(const RunPlan& plan, const RunOutcome& outcome) {
  if (plan.collective == Collective::barrier) {
    const auto early = std::find_if(outcome.entered.begin(), outcome.entered.end(),
                                    [&](int entered) { return entered < plan.ranks; });
    if (early == outcome.entered.end()) return std::nullopt;
    return fmt::format("rank {} returned when {} of {} ranks had entered",
                       early - outcome.entered.begin(), *early, plan.ranks);
  }
  const std::vector<reference::RankDifference>& ranks = outcome.comparison.ranks;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    const auto& mismatch = ranks[rank].mismatch;
    if (!mismatch) continue;
    return fmt::format("rank {} element {} is {}, expected {}", rank, mismatch->element,
                       mismatch->value, mismatch->expected);
  }
  return std::nullopt;
}

}  // namespace

double expected_notifies(const RunPlan& plan) {
  // The busiest rank's notifies stand for all.
  const auto notifies = figures(*plan.algorithm, plan.ranks, plan.count).notifies;
  const std::size_t launches = launch_count(*plan.algorithm, plan.ranks, plan.count, plan.dtype,
                                            in_windows, plan.executor->platform()) *
                               plan.calls;
  return static_cast<double>(notifies) * plan.ranks * static_cast<double>(launches);
}

RunOutcome carry_out(const RunPlan& plan, const ScheduleRequest& schedule) {
  const auto ranks = static_cast<std::size_t>(plan.ranks);
  RunOutcome outcome;
  outcome.send.resize(ranks);
  outcome.recv.resize(ranks);
  outcome.entered.assign(ranks, plan.ranks);
  const std::span<std::byte> shared =
      plan.executor->share(ranks * sizeof(RankOutcome) + plan.calls * sizeof(int));
  const std::span<RankOutcome> left(reinterpret_cast<RankOutcome*>(shared.data()), ranks);
  const std::span<int> entered(reinterpret_cast<int*>(left.data() + ranks), plan.calls);
  for (RankOutcome& rank : left) rank.entered = plan.ranks;

  RunOptions options;
  options.schedule = schedule.schedule;
  options.save_schedule = schedule.save;
  options.values = plan.values;
  options.progress = schedule.progress;

  RunReport done;
  options.on_failure = [&done](const RunReport& report) { done = report; };

  const auto start = std::chrono::steady_clock::now();
  try {
    outcome.report = plan.executor->run(
        plan.ranks,
        [&](Team& team) {
          make_calls(plan, team, entered, left[static_cast<std::size_t>(team.rank())]);
        },
        options);
  } catch (const RunError& error) {
    throw FailedRun::of(error, std::move(done));
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  outcome.host_seconds = took.count();
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    outcome.send[rank] = left[rank].send;
    outcome.recv[rank] = left[rank].recv;
    outcome.entered[rank] = left[rank].entered;
  }

  judge(plan, outcome);
  return outcome;
}

void judge(const RunPlan& plan, RunOutcome& outcome) {
  if (plan.compares()) {
    if (plan.shape.has_op) {
      const auto inputs = !plan.input && plan.fill.kind == Fill::Kind::ramp
                              ? reference::Inputs::exact
                              : reference::Inputs::any;
      outcome.rule = reference::reduction_tolerance(plan.dtype, plan.op, inputs);
    }
    outcome.comparison = reference::compare({.collective = plan.collective,
                                             .op = plan.op,
                                             .root = plan.root,
                                             .tolerance = outcome.rule},
                                            {outcome.send, outcome.recv, plan.count});
  }
  outcome.failure = first_failure(plan, outcome);
}

}  // namespace peal
