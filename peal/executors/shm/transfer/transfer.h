// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "peal/executors/shm/transfer/vector_reduce.h"
#include "peal/machine/dtype.h"
#include "peal/machine/reduce_op.h"

namespace peal {

// Folder transfer/: how data moves. This file has the operations that the verbs use. Read next:
// vector_reduce.h (kinds of stores, reductions), vector_copy.h, and packet_box.h (the layout of
// packets; their protocol is in ../packets.cpp).

// Copies `size_bytes` between places that are equal (then it does nothing) or do not overlap.
// Streaming stores are ordered before any later store.
void copy_bytes(std::byte* dst, const std::byte* src, std::size_t size_bytes,
                Stores stores = Stores::cached);

// Combines `all.count` elements of all sources, in their order, and writes the result to every
// destination. Each source is read once. f16 and bf16 are accumulated in f32 and rounded once. A
// destination may be one of the sources.
void reduce_elements(const Reduction& all);

// The same for destinations of which the first is this rank's and the others are peers'. Works on
// pieces that fit the first-level cache: combines a piece into the first destination, and copies it
// from there to the others with Stores::to_peer. Advances the pointers in `dsts` and `srcs` to the
// ends of their ranges.
void reduce_and_hand_over(std::span<std::byte*> dsts, std::span<const std::byte*> srcs,
                          std::size_t count, DType dtype, ReduceOp op);

// The same for sources that lie in lines of packets.
void reduce_packet_lines(const PacketReduction& all);

// dst[i] = dst[i] op src[i], atomically for each element, so that several ranks may combine into
// one place. `dst` must be aligned to its elements.
void combine_atomically(std::byte* dst, const std::byte* src, std::size_t count, DType dtype,
                        ReduceOp op);

}  // namespace peal
