// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "peal/machine/collective.h"
#include "peal/machine/dtype.h"
#include "peal/machine/reduce_op.h"
#include "peal/run/executor.h"

namespace peal {

// What is measured of a collective, with every default filled in.
struct BenchPlan {
  Collective collective{};
  std::unique_ptr<Executor> executor;
  std::string algorithm;
  int ranks = 2;
  DType dtype = DType::f32;
  ReduceOp op = ReduceOp::sum;
  int root = 0;
  std::vector<std::size_t> counts;  // elements of a block, one for each row
  std::optional<std::uint64_t> iterations;

  // The larger of what a rank sends and receives.
  [[nodiscard]] std::size_t size_bytes(std::size_t count) const;
};

// What was measured of one size, in place or not. Times are those of the slowest rank in each call.
struct BenchRow {
  std::size_t count = 0;
  bool in_place = false;
  std::uint64_t calls = 0;
  double median_us = 0, p99_us = 0;
  std::uint64_t wrong = 0;  // elements, of all calls and ranks
};

// Measures one row: buffers lie in windows, have other values in each call, and are compared after
// it; the call alone is timed.
[[nodiscard]] BenchRow measure(const BenchPlan& plan, std::size_t count, bool in_place);

}  // namespace peal
