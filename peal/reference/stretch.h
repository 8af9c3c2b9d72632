// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "peal/machine/dtype.h"
#include "peal/machine/reduce_op.h"
#include "peal/machine/view.h"
#include "peal/reference/reference.h"

namespace peal::reference {

// The elements of one rank's result at which a stretch is expected; `first` is the index of the
// first one in the whole result.
struct Holder {
  int rank = 0;
  std::size_t first = 0;
  View view;
};

// Consecutive elements of results with one origin: element i of each holder is the reduction of
// element i of all sources, in their order (with one source, that element itself). All views have
// the same length and type.
struct Stretch {
  std::span<const View> sources;
  std::span<const Holder> holders;
};

// Compares stretches, in blocks: each block is computed once for all holders, and the memory needed
// does not grow with the buffers.
class StretchComparer {
 public:
  virtual ~StretchComparer() = default;

  // Records differences in the ranks of `comparison`. The stretches of one rank must be compared in
  // the order of its elements, because only the first mismatch is kept.
  virtual void compare(const Stretch& stretch, Comparison& comparison) = 0;
};

// A comparer for elements of a type. `op` combines the sources.
[[nodiscard]] std::unique_ptr<StretchComparer> make_stretch_comparer(DType dtype, ReduceOp op,
                                                                     Tolerance tolerance);

}  // namespace peal::reference
