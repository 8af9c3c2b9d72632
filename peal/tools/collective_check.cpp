// SPDX-License-Identifier: Apache-2.0
#include "peal/tools/collective_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "peal/chip/core/core.h"
#include "peal/collectives/collectives.h"

namespace peal {

void CollectiveCheck::prepare(int ranks) {
  if (plan_ != nullptr && plan_->ranks == ranks) return;
  plan_ = std::make_unique<RunPlan>(make_plan_(ranks));
}

SubjectOutcome CollectiveCheck::run(int ranks, const RunOptions& options) {
  prepare(ranks);
  calls_made_.assign(calls_, Call(ranks));
  first_failure_.reset();
  readers_ = options.readers;
  plan_->executor->run(
      ranks, [this](Team& team) { make_calls(team); }, options);
  SubjectOutcome outcome = first_failure_;
  outcome.calls = static_cast<std::int64_t>(calls_);
  return outcome;
}

void CollectiveCheck::make_calls(Team& team) {
  const RunPlan& plan = *plan_;
  const auto rank = static_cast<std::size_t>(team.rank());
  Device& device = team.device();
  View send, recv;
  if (plan.shape.send_blocks > 0) {
    send = device.allocate("send", plan.send_length() * size_bytes(plan.dtype))
               .view(0, plan.send_length(), plan.dtype);
    recv = device.allocate("recv", plan.recv_length() * size_bytes(plan.dtype))
               .view(0, plan.recv_length(), plan.dtype);
  }
  for (std::uint64_t call = 0; call < calls_; ++call) {
    Call& made = calls_made_[call];
    current_core()->report_call(static_cast<std::int64_t>(call));
    if (!send.empty()) {
      static_cast<void>(device.write(send, outside_of_kernels));
      plan.fill.apply(team.rank(), call, send);
      made.send[rank].assign(send.data, send.data + send.size_bytes());
      report_contribution(readers_, contribution_call(team.rank(), call), send);
    }
    // Overwrites the result of the call before, so that a stale one is found to be wrong. It does
    // so directly in memory, because the checks must not see a write.
    std::fill_n(recv.data, recv.size_bytes(), std::byte{0x5a});
    ++made.entered;
    run_collective(team, {.collective = plan.collective,
                          .send = send,
                          .recv = recv,
                          .op = plan.op,
                          .root = plan.root,
                          .algorithm = plan.algorithm->name});
    made.fewest_on_return = std::min(made.fewest_on_return, made.entered);
    if (!recv.empty() && receives(plan.collective, team.rank(), plan.root)) {
      const std::span<const std::byte> bytes = device.read(recv, outside_of_kernels);
      made.recv[rank].assign(bytes.begin(), bytes.end());
      report_expectation(readers_, contribution_call(team.rank(), call), recv);
    }
    if (++made.returned == plan.ranks) finish(call);
  }
}

ContributionCall CollectiveCheck::contribution_call(int rank, std::uint64_t call) const {
  return {.collective = plan_->collective,
          .op = plan_->op,
          .root = plan_->root,
          .ranks = plan_->ranks,
          .rank = rank,
          .call = static_cast<std::uint32_t>(call),
          .count = plan_->count};
}

// The last rank has returned from the call: nothing of it is needed any more.
void CollectiveCheck::finish(std::uint64_t call) {
  const auto failure = compare(call);
  if (failure && !first_failure_) first_failure_ = fmt::format("{} of call {}", *failure, call);
  calls_made_[call] = Call(0);
}

std::optional<std::string> CollectiveCheck::compare(std::uint64_t call) {
  Call& made = calls_made_[call];
  RunOutcome outcome;
  outcome.entered.assign(static_cast<std::size_t>(plan_->ranks), made.fewest_on_return);
  const auto views = [this](std::vector<std::vector<std::byte>>& all) {
    std::vector<View> result;
    for (auto& bytes : all) {
      result.push_back({bytes.data(), bytes.size() / size_bytes(plan_->dtype), plan_->dtype});
    }
    return result;
  };
  outcome.send = views(made.send);
  outcome.recv = views(made.recv);
  judge(*plan_, outcome);
  return outcome.failure;
}

}  // namespace peal
