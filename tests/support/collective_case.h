// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "peal/collectives/collectives.h"
#include "peal/run/executor.h"

namespace peal::tests {

// One collective call with inputs that are exact in every type, and what each rank must get,
// computed here in plain loops.
struct CollectiveCase {
  Collective collective{};
  std::string algorithm = "auto";
  int ranks = 1;
  std::size_t count = 0;
  DType dtype = DType::f32;
  ReduceOp op = ReduceOp::sum;
  int root = 0;
  bool in_place = false;
  int salt = 0;  // other inputs

  [[nodiscard]] std::string describe() const;
  // What rank `rank` gives as element i of its send, and must get as element i of its recv.
  [[nodiscard]] int input(int rank, std::size_t i) const;
  [[nodiscard]] double expected(int rank, std::size_t i) const;
};

// Where send and recv of a call in place begin in their one buffer, in elements: the shorter is the
// rank's own block of the longer. Nothing of another call.
struct InPlace {
  std::size_t send = 0, recv = 0;
};
[[nodiscard]] InPlace in_place(const CollectiveCase& test, int rank);

// The buffers of one rank for one case.
struct CaseBuffers {
  std::vector<std::byte> send, recv;  // in place, recv has both
};
[[nodiscard]] CaseBuffers make_buffers(const CollectiveCase& test, int rank);
void call(Team& team, const CollectiveCase& test, CaseBuffers& buffers);
// Empty, or the first element that differs.
[[nodiscard]] std::string difference(const CollectiveCase& test, int rank,
                                     const CaseBuffers& buffers);

// Runs one call of the case on every rank and compares; empty if all is right.
[[nodiscard]] std::string run_case(Executor& executor, const CollectiveCase& test,
                                   const RunOptions& options = {});

// Runs the calls back to back on one team, each with its own buffers, and compares them all.
[[nodiscard]] std::string run_cases(Executor& executor, const std::vector<CollectiveCase>& calls,
                                    const RunOptions& options = {});

// Runs the program on every rank and returns the first rank's text that is not empty. Each rank has
// to compare its own: what it has received may be lost with it.
[[nodiscard]] std::string run_texts(Executor& executor, int ranks,
                                    const std::function<std::string(Team&)>& program,
                                    const RunOptions& options = {});

}  // namespace peal::tests
