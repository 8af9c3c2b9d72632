// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "peal/collectives/registry.h"
#include "peal/machine/collective.h"
#include "peal/machine/view.h"
#include "peal/reference/reference.h"
#include "peal/run/executor.h"
#include "peal/run/run.h"
#include "peal/tools/files/npy.h"
#include "peal/tools/fill.h"

namespace peal {

// Calls of one collective on every rank, with every default filled in.
struct RunPlan {
  Collective collective{};
  std::unique_ptr<Executor> executor;
  const Algorithm* algorithm = nullptr;
  bool chosen_by_cost = false;  // by `-a auto`
  int ranks = 0;
  std::size_t count = 0;  // elements of a block
  DType dtype = DType::f32;
  ReduceOp op = ReduceOp::sum;
  int root = 0;
  CollectiveShape shape;
  bool values = true;
  Fill fill;
  std::optional<NpyArray> input;  // instead of the fill
  std::uint64_t calls = 1;
  std::vector<std::string> notes;  // on options that have no effect

  [[nodiscard]] std::size_t send_length() const {
    return count * static_cast<std::size_t>(shape.send_blocks);
  }
  [[nodiscard]] std::size_t recv_length() const {
    return count * static_cast<std::size_t>(shape.recv_blocks);
  }
  // Whether there are results to compare.
  [[nodiscard]] bool compares() const { return values && shape.recv_blocks > 0; }
};

// What came of a plan. The views stay readable as long as the plan's executor is not used again.
struct RunOutcome {
  RunReport report;
  double host_seconds = 0;
  std::vector<View> send, recv;      // of each rank, after the last call
  reference::Tolerance rule;         // what the comparison allows
  reference::Comparison comparison;  // of the last call, where there are results to compare
  // barrier: of how many ranks each one knew, on return, that they had entered; the fewest of all
  // calls.
  std::vector<int> entered;
  std::optional<std::string> failure;  // the first rank that is wrong, and how
};

// How the steps of a run are chosen, and the file in which that is recorded, if any.
struct ScheduleRequest {
  std::string schedule = "virtual";
  std::string save = {};
  // Called now and then with the number of notifies so far, of about expected_notifies().
  std::function<void(std::uint64_t done)> progress = {};
};

// About how many notifies the ranks make while the plan is carried out.
[[nodiscard]] double expected_notifies(const RunPlan& plan);

// Runs the plan and judges what came of it. Throws Error, or FailedRun for a run that goes wrong.
[[nodiscard]] RunOutcome carry_out(const RunPlan& plan, const ScheduleRequest& schedule);

// Compares what the ranks hold with what is expected: sets `rule`, `comparison` and `failure`.
void judge(const RunPlan& plan, RunOutcome& outcome);

}  // namespace peal
