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
  std::vector<std::size_t> counts;  // elements of a block, one entry per row
  std::optional<std::uint64_t> iterations;

  // The size of the larger of a rank's send and recv.
  [[nodiscard]] std::size_t size_bytes(std::size_t count) const;
};

// The measurement of one size, in place or not. The time of a call is that of its slowest rank.
struct BenchRow {
  std::size_t count = 0;
  bool in_place = false;
  std::uint64_t calls = 0;
  double median_us = 0, p99_us = 0;
  std::uint64_t wrong = 0;  // number of wrong elements, over all calls and ranks
};

// Measures one row. Buffers lie in windows. Each call has new values, and its result is compared;
// only the call itself is timed.
[[nodiscard]] BenchRow measure(const BenchPlan& plan, std::size_t count, bool in_place);

}  // namespace peal
