// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "peal/collectives/collectives.h"
#include "peal/run/executor.h"

namespace peal::tests {

// A collective call as a rank makes it, on blocks of `count` elements; one that differs from the
// others' in something.
struct UnlikeCall {
  Collective collective = Collective::all_reduce;
  std::size_t count = 0;
  DType dtype = DType::f32;
  ReduceOp op = ReduceOp::sum;
  int root = 0;
  std::string algorithm = "auto";
  bool in_windows = true;  // its buffers
};

// What has become of the ranks.
struct UnlikeRun {
  std::string text;                // that the run has failed with; empty if it has not
  std::vector<std::string> ranks;  // what each rank's call, or a barrier after it, has thrown
  // Elements behind the buffers of some rank that were written to, and of what it sends.
  int spoilt = 0;
};

// Every rank makes `before` calls just like all others', and then its own; then all meet.
[[nodiscard]] UnlikeRun run_unlike(Executor& executor, const std::vector<UnlikeCall>& calls,
                                   int before = 0);

}  // namespace peal::tests
