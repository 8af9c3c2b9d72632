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

// What one rank holds where a stretch is expected; `first` is the index of its first element in the
// rank's whole result.
struct Holder {
  int rank = 0;
  std::size_t first = 0;
  View view;
};

// Consecutive elements of one origin: element i is the combination of element i of every source, in
// the order of the sources, or the element itself where there is but one source. All views have the
// same length and type.
struct Stretch {
  std::span<const View> sources;
  std::span<const Holder> holders;
};

// Compares stretch by stretch, each in blocks: a block is computed once for all its holders, and
// the memory taken does not grow with the buffers.
class StretchComparer {
 public:
  virtual ~StretchComparer() = default;

  // Records what differs in the ranks of `comparison`. A rank's stretches come in their order.
  virtual void compare(const Stretch& stretch, Comparison& comparison) = 0;
};

[[nodiscard]] std::unique_ptr<StretchComparer> make_stretch_comparer(DType dtype, ReduceOp op,
                                                                     Tolerance tolerance);

}  // namespace peal::reference
