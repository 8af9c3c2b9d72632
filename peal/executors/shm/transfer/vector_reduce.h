// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "peal/machine/dtype.h"
#include "peal/machine/reduce_op.h"

namespace peal {

// How what is written goes to memory: through the caches; into lines that a peer's cache has, which
// the processor's own copy instruction does not fetch; or past the caches, which pays where it is
// more than they hold.
enum class Stores : std::uint8_t { cached, to_peer, streaming };

// Elements of several places that are combined. It is handed on by reference: a small collective
// takes less time than it takes a processor to load again what it has just stored in other pieces.
struct Reduction {
  std::span<std::byte* const> dsts;
  std::span<const std::byte* const> srcs;
  std::size_t count = 0;
  DType dtype{};
  ReduceOp op{};
  std::size_t streamed = 0;  // of the destinations, the last ones: they are written past the caches
};

// Combines all sources, in their order, and writes the result to every destination; each source is
// read once. Returns how many elements: the count, or 0 for types and operations that have no
// vector instructions, where nothing is written. The result has the same bits as that of combine()
// in machine/arithmetic.h, in the accumulator's type. Streaming stores are ordered before any later
// store.
using VectorReduction = std::size_t (*)(const Reduction& all);

// Elements that lie in lines, some of them beside other data: the line after `data` begins `stride`
// bytes later.
struct PacketSource {
  const std::byte* data;
  std::size_t stride;
};

// What comes by packets, and is combined into one whole.
struct PacketReduction {
  std::byte* dst;
  std::span<const PacketSource> srcs;
  std::size_t count = 0;
  DType dtype{};
  ReduceOp op{};
};

// As above, for packets; nullptr for types and operations that have no vector instructions.
using VectorPacketReduction = void (*)(const PacketReduction& all);

// Those for elements of a type, by the best instructions that the processor has.
struct VectorReductions {
  VectorReduction whole;
  VectorPacketReduction packets;
};
[[nodiscard]] VectorReductions vector_reductions(DType dtype, ReduceOp op);

}  // namespace peal
