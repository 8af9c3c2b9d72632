// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "peal/cases/contribution_events.h"
#include "peal/search/check.h"
#include "peal/tools/collective_run.h"

namespace peal {

// One collective as it is checked: called several times in a row, and every call compared.
class CollectiveCheck {
 public:
  // `plan` makes the plan of a run on so many ranks.
  CollectiveCheck(std::function<RunPlan(int ranks)> plan, std::uint64_t calls)
      : make_plan_(std::move(plan)), calls_(calls) {}

  // Makes the plan for so many ranks; throws Error where it makes no sense.
  void prepare(int ranks);
  // On options that have no effect; known when it has been prepared.
  [[nodiscard]] const std::vector<std::string>& notes() const { return plan_->notes; }

  // Runs the calls once and compares them; `options` has the readers that check the run.
  [[nodiscard]] SubjectOutcome run(int ranks, const RunOptions& options);

 private:
  struct Call {
    explicit Call(int ranks)
        : send(static_cast<std::size_t>(ranks)), recv(static_cast<std::size_t>(ranks)) {}
    std::vector<std::vector<std::byte>> send, recv;  // of each rank
    int entered = 0, returned = 0;
    int fewest_on_return = INT32_MAX;
  };

  void make_calls(Team& team);
  [[nodiscard]] ContributionCall contribution_call(int rank, std::uint64_t call) const;
  void finish(std::uint64_t call);
  [[nodiscard]] std::optional<std::string> compare(std::uint64_t call);

  std::function<RunPlan(int)> make_plan_;
  std::uint64_t calls_;
  std::unique_ptr<RunPlan> plan_;
  std::vector<Call> calls_made_;
  std::vector<EventReader*> readers_;
  std::optional<std::string> first_failure_;
};

}  // namespace peal
