// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/fill.h"
#include "cli/npy.h"
#include "cli/run_request.h"
#include "peal/collectives/registry.h"
#include "peal/run/executor.h"

namespace peal {

// A valid request, with every default filled in.
struct RunPlan {
  Collective collective{};
  std::unique_ptr<Executor> executor;
  const Algorithm* algorithm = nullptr;
  bool chosen_by_cost = false;  // the algorithm was chosen by `-a auto`
  int ranks = 0;
  std::size_t count = 0;  // elements of a block
  DType dtype = DType::f32;
  ReduceOp op = ReduceOp::sum;
  int root = 0;
  CollectiveShape shape;
  bool values = true;
  Fill fill;
  std::optional<NpyArray> input;  // replaces the fill
  std::uint64_t calls = 1;
  std::vector<std::string> notes;  // on options that have no effect

  [[nodiscard]] std::size_t send_length() const {
    return count * static_cast<std::size_t>(shape.send_blocks);
  }
  [[nodiscard]] std::size_t recv_length() const {
    return count * static_cast<std::size_t>(shape.recv_blocks);
  }
  // True if there are results to compare.
  [[nodiscard]] bool compares() const { return values && shape.recv_blocks > 0; }
};

// Makes the plan of a request, for `executor` or, if that is null, for one of the request's
// platform. Throws Error for a request that cannot be carried out.
[[nodiscard]] RunPlan make_run_plan(const RunRequest& request,
                                    std::unique_ptr<Executor> executor = nullptr);

// The number of ranks by --ranks or --devices; `otherwise` if neither is given. Throws Error if
// they disagree.
[[nodiscard]] int ranks_of(const RunRequest& request, int otherwise);

}  // namespace peal
