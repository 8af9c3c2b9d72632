// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "peal/machine/dtype.h"
#include "peal/machine/reduce_op.h"

namespace peal {

// Combines as many elements of all sources, in their order, as fit into whole vectors of this
// processor, and writes them to every destination; each source is read once. Returns how many: none
// for types and operations that have no vector instructions. The result has the same bits as that
// of combine() in machine/arithmetic.h.
[[nodiscard]] std::size_t vector_reduce(std::span<std::byte* const> dsts,
                                        std::span<const std::byte* const> srcs, std::size_t count,
                                        DType dtype, ReduceOp op);

}  // namespace peal
