// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/transfer/transfer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <vector>

#include "peal/base/alignment.h"
#include "peal/base/sanitizers.h"
#include "peal/executors/shm/transfer/packet_box.h"
#include "peal/executors/shm/transfer/vector_copy.h"
#include "peal/machine/arithmetic.h"

// Declared here because the thread sanitizer has no header for its interface to compilers.
extern "C" void __tsan_read_range(void* begin, unsigned long size_bytes);
extern "C" void __tsan_write_range(void* begin, unsigned long size_bytes);

namespace peal {
namespace {

// The thread sanitizer does not instrument some vector instructions, such as streaming stores, so
// each transfer announces its accesses as whole ranges.
void tell_read(const std::byte* src, std::size_t size_bytes) {
  if constexpr (is_thread_sanitized) {
    __tsan_read_range(const_cast<std::byte*>(src), size_bytes);
  }
}
void tell_write(std::byte* dst, std::size_t size_bytes) {
  if constexpr (is_thread_sanitized) __tsan_write_range(dst, size_bytes);
}
void tell_reduction(const Reduction& all) {
  if constexpr (is_thread_sanitized) {
    const std::size_t bytes = all.count * size_bytes(all.dtype);
    for (const std::byte* src : all.srcs) tell_read(src, bytes);
    for (std::byte* dst : all.dsts) tell_write(dst, bytes);
  }
}

void tell_packet_reduction(const PacketReduction& all) {
  if constexpr (is_thread_sanitized) {
    const std::size_t bytes = all.count * size_bytes(all.dtype);
    for (const PacketSource& src : all.srcs) {
      for (std::size_t at = 0; at < bytes; at += PacketLine::data_bytes) {
        tell_read(src.data + at / PacketLine::data_bytes * src.stride,
                  std::min(bytes - at, PacketLine::data_bytes));
      }
    }
    tell_write(all.dst, bytes);
  }
}

// Two tiles fit the first-level cache.
constexpr std::size_t tile_elements = 1024;

struct alignas(cache_line_bytes) Tile {
  std::array<std::byte, tile_elements * 8> bytes;
};

// Combines one tile of all sources into `sum`, in the accumulator's type; `converted` is scratch.
void accumulate(std::span<const std::byte* const> srcs, std::size_t offset_bytes, std::size_t count,
                DType dtype, ReduceOp op, Tile& sum, Tile& converted) {
  const DType wide = accumulator(dtype);
  const auto source = [&](std::size_t index, Tile& to) -> const std::byte* {
    const std::byte* const from = srcs[index] + offset_bytes;
    if (wide == dtype) return from;
    convert(wide, to.bytes.data(), dtype, from, count);
    return to.bytes.data();
  };
  const std::byte* left = source(0, sum);
  for (std::size_t i = 1; i < srcs.size(); ++i) {
    combine(wide, op, sum.bytes.data(), left, source(i, converted), count);
    left = sum.bytes.data();
  }
  if (left != sum.bytes.data()) std::memcpy(sum.bytes.data(), left, count * size_bytes(wide));
}

void reduce_tiles(const Reduction& all) {
  const DType dtype = all.dtype, wide = accumulator(dtype);
  const std::size_t element = size_bytes(dtype);
  Tile sum, converted;
  for (std::size_t done = 0; done < all.count; done += tile_elements) {
    const std::size_t length = std::min(tile_elements, all.count - done);
    accumulate(all.srcs, done * element, length, dtype, all.op, sum, converted);
    if (wide != dtype) convert(dtype, converted.bytes.data(), wide, sum.bytes.data(), length);
    const Tile& result = wide != dtype ? converted : sum;
    for (std::byte* dst : all.dsts) {
      std::memcpy(dst + done * element, result.bytes.data(), length * element);
    }
  }
}

// A table of the functions for all types and operations, since finding one takes as long as a small
// reduction.
class VectorFunctions {
 public:
  VectorFunctions() {
    for (DType dtype : all_dtypes) {
      for (ReduceOp op : all_reduce_ops)
        functions_[index(dtype, op)] = vector_reductions(dtype, op);
    }
  }
  [[nodiscard]] static const VectorReductions& of(DType dtype, ReduceOp op) {
    static const VectorFunctions all;
    return all.functions_[index(dtype, op)];
  }

 private:
  static constexpr std::size_t dtypes = std::size(all_dtypes), ops = std::size(all_reduce_ops);

  static std::size_t index(DType dtype, ReduceOp op) {
    return static_cast<std::size_t>(dtype) * ops + static_cast<std::size_t>(op);
  }

  VectorReductions functions_[dtypes * ops];
};

// The path for types and operations that have no vector instructions.
void reduce_line_by_line(const PacketReduction& all) {
  const std::size_t element = size_bytes(all.dtype), most = PacketLine::data_bytes / element;
  // The allocation takes little time compared to such a reduction.
  std::vector<const std::byte*> srcs(all.srcs.size());
  std::size_t line = 0;
  for (std::size_t done = 0; done < all.count; done += most, ++line) {
    for (std::size_t i = 0; i < srcs.size(); ++i) {
      srcs[i] = all.srcs[i].data + line * all.srcs[i].stride;
    }
    std::byte* dst = all.dst + line * PacketLine::data_bytes;
    reduce_tiles({.dsts = {&dst, 1},
                  .srcs = srcs,
                  .count = std::min(most, all.count - done),
                  .dtype = all.dtype,
                  .op = all.op});
  }
}

template <class Word>
void combine_words(std::byte* dst, const std::byte* src, std::size_t count, DType dtype,
                   ReduceOp op) {
  for (std::size_t i = 0; i < count; ++i) {
    std::atomic_ref word(*reinterpret_cast<Word*>(dst + i * sizeof(Word)));
    Word before = word.load(std::memory_order_relaxed), after;
    do {
      combine(dtype, op, reinterpret_cast<std::byte*>(&after),
              reinterpret_cast<const std::byte*>(&before), src + i * sizeof(Word), 1);
    } while (!word.compare_exchange_weak(before, after));
  }
}

}  // namespace

void copy_bytes(std::byte* dst, const std::byte* src, std::size_t size_bytes, Stores stores) {
  constexpr std::size_t memcpy_limit = 512;  // above, vector_copy() is faster than memcpy
  if (dst == src || size_bytes == 0) return;
  tell_read(src, size_bytes);
  tell_write(dst, size_bytes);
  if (size_bytes > memcpy_limit) return vector_copy(dst, src, size_bytes, stores);
  std::memcpy(dst, src, size_bytes);
}

void reduce_elements(const Reduction& all) {
  tell_reduction(all);
  const std::size_t done = VectorFunctions::of(all.dtype, all.op).whole(all);
  if (done != all.count) reduce_tiles(all);
}

void reduce_and_hand_over(std::span<std::byte*> dsts, std::span<const std::byte*> srcs,
                          std::size_t count, DType dtype, ReduceOp op) {
  constexpr std::size_t piece_bytes = 16384;  // fits the first-level cache with two sources
  const std::size_t element = size_bytes(dtype), most = piece_bytes / element;
  for (std::size_t left = count; left > 0;) {
    const std::size_t length = std::min(most, left);
    reduce_elements(
        {.dsts = dsts.first(1), .srcs = srcs, .count = length, .dtype = dtype, .op = op});
    for (std::byte* dst : dsts.subspan(1)) {
      copy_bytes(dst, dsts.front(), length * element, Stores::to_peer);
    }
    for (std::byte*& dst : dsts) dst += length * element;
    for (const std::byte*& src : srcs) src += length * element;
    left -= length;
  }
}

void reduce_packet_lines(const PacketReduction& all) {
  tell_packet_reduction(all);
  const VectorPacketReduction reduce = VectorFunctions::of(all.dtype, all.op).packets;
  if (reduce != nullptr) return reduce(all);
  reduce_line_by_line(all);
}

void combine_atomically(std::byte* dst, const std::byte* src, std::size_t count, DType dtype,
                        ReduceOp op) {
  switch (size_bytes(dtype)) {
    case 1:
      return combine_words<std::uint8_t>(dst, src, count, dtype, op);
    case 2:
      return combine_words<std::uint16_t>(dst, src, count, dtype, op);
    case 4:
      return combine_words<std::uint32_t>(dst, src, count, dtype, op);
    default:
      return combine_words<std::uint64_t>(dst, src, count, dtype, op);
  }
}

}  // namespace peal
