// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "peal/machine/collective.h"
#include "peal/machine/dtype.h"
#include "peal/machine/reduce_op.h"
#include "peal/machine/view.h"

// What collectives have to result in, written for obviousness and apart from the kernels: floats
// are combined in f64, integers wrap as their type does, NaN propagates.
namespace peal::reference {

// How far an element may be from what is expected: `absolute`, and, if `rounds`, what rounding once
// per rank can do to it: ranks x epsilon x sum of |inputs| for a sum, or x |product|.
struct Tolerance {
  double absolute = 0;
  bool rounds = false;
};

// Whether every partial result is exact in the type, as the ramp's are, or anything may come.
enum class Inputs : bool { exact, any };

// Integers, min and max are exact. Floats are given 1e-3 in f32 for exact inputs, nothing in other
// types, and what rounding can do for any other inputs.
[[nodiscard]] Tolerance reduction_tolerance(DType dtype, ReduceOp op, Inputs inputs);

// The largest relative error of rounding to a float type; 0 for integers.
[[nodiscard]] double epsilon(DType dtype);

// The first element of a rank that differs by more than the tolerance.
struct Mismatch {
  std::size_t element = 0;
  std::string value, expected;
};

struct RankDifference {
  double max = 0;  // the largest |out - expected|; infinity where only one of them is NaN
  std::optional<Mismatch> mismatch;
};

struct Comparison {
  std::vector<RankDifference> ranks;
  double tolerance = 0;  // the largest that any element was given

  [[nodiscard]] bool equal() const;
};

// All ranks' buffers after one call: those of rank r at index r, `count` elements to a block. Each
// `send` must still hold what was sent.
struct Buffers {
  std::span<const View> send, recv;
  std::size_t count = 0;
};

// Each compares every rank that receives something with what it should hold.
[[nodiscard]] Comparison all_reduce(const Buffers& buffers, ReduceOp op, Tolerance tolerance);
[[nodiscard]] Comparison reduce(const Buffers& buffers, ReduceOp op, int root, Tolerance tolerance);
[[nodiscard]] Comparison reduce_scatter(const Buffers& buffers, ReduceOp op, Tolerance tolerance);
[[nodiscard]] Comparison all_gather(const Buffers& buffers);
[[nodiscard]] Comparison gather(const Buffers& buffers, int root);
[[nodiscard]] Comparison scatter(const Buffers& buffers, int root);
[[nodiscard]] Comparison broadcast(const Buffers& buffers, int root);
[[nodiscard]] Comparison all_to_all(const Buffers& buffers);

// A call of any collective that has a result; what it has no use for is not looked at.
struct Call {
  Collective collective{};
  ReduceOp op = ReduceOp::sum;
  int root = 0;
  Tolerance tolerance = {};
};
[[nodiscard]] Comparison compare(const Call& call, const Buffers& buffers);

}  // namespace peal::reference
