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

// The reference results of all collectives, independent of the kernels and written for clarity:
// floats are reduced in f64, integers wrap in their type, NaN propagates. compare() below is the
// entry; stretch.h compares long results block by block. Read Tolerance first.
namespace peal::reference {

// The allowed error of an element: `absolute` plus, if `rounds`, an upper bound on the error of one
// rounding per rank: ranks x epsilon x sum of |inputs| for a sum, ranks x epsilon x |product| for a
// product (plus what underflow loses, see stretch.cpp).
struct Tolerance {
  double absolute = 0;
  bool rounds = false;
};

// exact: every partial result is exact in the type, in every order (the ramp of tools/fill.h). any:
// no such promise.
enum class Inputs : bool { exact, any };

// The tolerance of a reduction. It is 0 for integers, min and max. For sums and products of floats
// it is, with exact inputs, 1e-3 in f32 and 0 in the other types, and otherwise the rounding bound.
[[nodiscard]] Tolerance reduction_tolerance(DType dtype, ReduceOp op, Inputs inputs);

// The largest relative error of one rounding to a float type (unit roundoff); 0 for integers.
[[nodiscard]] double epsilon(DType dtype);

// The first element of a rank that differs by more than the tolerance.
struct Mismatch {
  std::size_t element = 0;
  std::string value, expected;
};

struct RankDifference {
  double max = 0;  // the largest |out - expected|; infinity if exactly one of the two is NaN
  std::optional<Mismatch> mismatch;
};

struct Comparison {
  std::vector<RankDifference> ranks;
  double tolerance = 0;  // the largest finite tolerance of any element

  [[nodiscard]] bool equal() const;
};

// All ranks' buffers after one call: those of rank r at index r, with blocks of `count` elements.
// Each `send` must still hold what was sent.
struct Buffers {
  std::span<const View> send, recv;
  std::size_t count = 0;
};

// Each compares the result of every rank that receives something with the reference.
[[nodiscard]] Comparison all_reduce(const Buffers& buffers, ReduceOp op, Tolerance tolerance);
[[nodiscard]] Comparison reduce(const Buffers& buffers, ReduceOp op, int root, Tolerance tolerance);
[[nodiscard]] Comparison reduce_scatter(const Buffers& buffers, ReduceOp op, Tolerance tolerance);
[[nodiscard]] Comparison all_gather(const Buffers& buffers);
[[nodiscard]] Comparison gather(const Buffers& buffers, int root);
[[nodiscard]] Comparison scatter(const Buffers& buffers, int root);
[[nodiscard]] Comparison broadcast(const Buffers& buffers, int root);
[[nodiscard]] Comparison all_to_all(const Buffers& buffers);

// A call of any collective but barrier; compare() ignores members that the collective does not use.
struct Call {
  Collective collective{};
  ReduceOp op = ReduceOp::sum;
  int root = 0;
  Tolerance tolerance = {};
};
[[nodiscard]] Comparison compare(const Call& call, const Buffers& buffers);

}  // namespace peal::reference
