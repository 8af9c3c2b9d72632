// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "peal/machine/dtype.h"
#include "peal/machine/reduce_op.h"

namespace peal {

// How what is written goes to memory: through the caches, or past them, which pays where it is more
// than they hold.
enum class Stores : std::uint8_t { cached, streaming };

// Combines all sources, in their order, and writes the result to every destination; each source is
// read once. Returns how many elements: `count`, or 0 for types and operations that have no vector
// instructions. The result has the same bits as that of combine() in machine/arithmetic.h.
// Streaming stores are ordered before any later store.
[[nodiscard]] std::size_t vector_reduce(std::span<std::byte* const> dsts,
                                        std::span<const std::byte* const> srcs, std::size_t count,
                                        DType dtype, ReduceOp op, Stores stores = Stores::cached);

}  // namespace peal
