// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "peal/machine/dtype.h"
#include "peal/machine/reduce_op.h"

namespace peal {

// How results are written.
// cached: ordinary stores, into lines that are soon used here.
// to_peer: into lines that a peer's cache has; long copies use the processor's copy instruction,
//   which need not fetch a line before it overwrites it.
// streaming: non-temporal stores, which bypass the caches; for more data than the caches hold.
enum class Stores : std::uint8_t { cached, to_peer, streaming };

// The operands of a reduction. Passed by reference, since copying it would cost a small collective
// store-forwarding stalls.
struct Reduction {
  std::span<std::byte* const> dsts;
  std::span<const std::byte* const> srcs;
  std::size_t count = 0;
  DType dtype{};
  ReduceOp op{};
  std::size_t streamed = 0;  // how many of the last destinations get streaming stores
};

// Combines all sources, in their order, and writes the result to every destination; each source is
// read once. Returns `all.count`; or 0, without writing, for types and operations that have no
// vector instructions. The result is bitwise equal to that of combine() in machine/arithmetic.h, in
// the accumulator's type. Streaming stores are ordered before any later store.
using VectorReduction = std::size_t (*)(const Reduction& all);

// A source in pieces of PacketLine::data_bytes: the first begins at `data`, each further one
// `stride` bytes after the one before.
struct PacketSource {
  const std::byte* data;
  std::size_t stride;
};

// The operands of a reduction whose sources are in lines of packets. `dst` is contiguous.
struct PacketReduction {
  std::byte* dst;
  std::span<const PacketSource> srcs;
  std::size_t count = 0;
  DType dtype{};
  ReduceOp op{};
};

// The same for packets; null for types and operations that have no vector instructions.
using VectorPacketReduction = void (*)(const PacketReduction& all);

// The functions for one type and operation, for the best instruction set of this processor.
struct VectorReductions {
  VectorReduction whole;
  VectorPacketReduction packets;
};
[[nodiscard]] VectorReductions vector_reductions(DType dtype, ReduceOp op);

}  // namespace peal
