// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "peal/executors/shm/transfer/vector_reduce.h"
#include "peal/machine/dtype.h"
#include "peal/machine/reduce_op.h"

namespace peal {

// Copies; the same place is no copy. Streaming stores are ordered before any later store.
void copy_bytes(std::byte* dst, const std::byte* src, std::size_t size_bytes,
                Stores stores = Stores::cached);

// Combines all sources, in their order, and writes the result to every destination; each source is
// read once. f16 and bf16 are accumulated in f32 and rounded once. A destination may be one of the
// sources.
void reduce_elements(const Reduction& all);

// The same, where the first destination is this rank's and all others are peers': piece by piece,
// each of which is copied from the first to the others, since lines that a peer has are better
// written by a copy. The pointers are moved on.
void reduce_and_hand_over(std::span<std::byte*> dsts, std::span<const std::byte*> srcs,
                          std::size_t count, DType dtype, ReduceOp op);

// The same of what has come by packets.
void reduce_packet_lines(const PacketReduction& all);

// Combines into `dst`, each element at once to others that do the same; `dst` is aligned to its
// elements.
void combine_atomically(std::byte* dst, const std::byte* src, std::size_t count, DType dtype,
                        ReduceOp op);

}  // namespace peal
