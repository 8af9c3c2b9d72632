// SPDX-License-Identifier: Apache-2.0
// Asserts at compile time that enumerations which are cast to each other have equal values: those
// of the kernels' headers, those of the ABI, and Peal's own. This file contains no code.
#include <cstdint>

#include "peal/chip/core/core.h"
#include "peal/chip/tile_operation.h"
#include "peal/machine/dtype.h"
#include "peal/machine/signal.h"
#include "peal/pto/isa/abi.h"
#include "peal/run/pipe.h"
#include "peal/run/task.h"
#ifdef __FLT16_MAX__  // kernels need _Float16, which clang 14 does not have on x86
#include "pto/comm/comm_types.hpp"
#include "pto/common/constants.hpp"
#include "pto/common/pto_tile.hpp"
#endif

namespace peal {
namespace {

template <class A, class B>
constexpr bool same(A a, B b) {
  return static_cast<std::int64_t>(a) == static_cast<std::int64_t>(b);
}

using pto_abi::Space;
static_assert(same(Space::unified, OnChip::unified) && same(Space::l1, OnChip::l1) &&
              same(Space::l0a, OnChip::l0a) && same(Space::l0b, OnChip::l0b) &&
              same(Space::l0c, OnChip::l0c) && same(Space::l0c, pto_abi::space_count - 1));

using pto_abi::TileOp;
static_assert(same(TileOp::load, TileOpcode::load) && same(TileOp::store, TileOpcode::store) &&
              same(TileOp::store_add, TileOpcode::store_add));
static_assert(same(TileOp::add, TileOpcode::add) && same(TileOp::mul, TileOpcode::mul) &&
              same(TileOp::max, TileOpcode::max) && same(TileOp::min, TileOpcode::min));
static_assert(same(TileOp::adds, TileOpcode::adds) && same(TileOp::muls, TileOpcode::muls) &&
              same(TileOp::expands, TileOpcode::expands));
static_assert(same(TileOp::cvt, TileOpcode::cvt) && same(TileOp::row_sum, TileOpcode::row_sum) &&
              same(TileOp::move, TileOpcode::move) && same(TileOp::matmul, TileOpcode::matmul));

// pto_abi::Submission passes directions as these numbers.
static_assert(same(0, TaskDirection::input) && same(1, TaskDirection::output) &&
              same(2, TaskDirection::inout) && same(3, TaskDirection::no_dep));

#ifdef __FLT16_MAX__
// The numbers that pto_abi::Tile::dtype and pto_abi::Global::dtype hold.
template <class T>
constexpr bool is_number_of(DType dtype) {
  return same(pto::detail::dtype_number<T>(), dtype);
}
static_assert(is_number_of<float>(DType::f32) && is_number_of<half>(DType::f16) &&
              is_number_of<bfloat16_t>(DType::bf16));
static_assert(is_number_of<std::int8_t>(DType::i8) && is_number_of<std::uint8_t>(DType::u8) &&
              is_number_of<std::int16_t>(DType::i16) && is_number_of<std::uint16_t>(DType::u16) &&
              is_number_of<std::int32_t>(DType::i32) && is_number_of<std::uint32_t>(DType::u32) &&
              is_number_of<std::int64_t>(DType::i64) && is_number_of<std::uint64_t>(DType::u64));

static_assert(same(PIPE_S, Pipe::scalar) && same(PIPE_V, Pipe::vector) &&
              same(PIPE_MTE1, Pipe::mte1) && same(PIPE_MTE2, Pipe::mte2) &&
              same(PIPE_MTE3, Pipe::mte3) && same(PIPE_M, Pipe::cube) &&
              same(PIPE_ALL, Pipe::all) && same(PIPE_FIX, Pipe::fix));
static_assert(PIPE_FIX + 2 == pipe_count, "`dma` has no name among kernels");

using Cast = pto::RoundMode;
static_assert(same(Cast::CAST_NONE, RoundMode::none) && same(Cast::CAST_RINT, RoundMode::rint) &&
              same(Cast::CAST_ROUND, RoundMode::round) &&
              same(Cast::CAST_FLOOR, RoundMode::floor) && same(Cast::CAST_CEIL, RoundMode::ceil) &&
              same(Cast::CAST_TRUNC, RoundMode::trunc) && same(Cast::CAST_ODD, RoundMode::odd));

static_assert(same(cache_line_t::SINGLE_CACHE_LINE, 0) && same(cache_line_t::ENTIRE_DATA_CACHE, 1));

// given_comparison() maps comparisons by a table in the ISA's order. Peal's order is the same,
// after `reached`, which comes first and which kernels cannot name.
using Cmp = pto::comm::WaitCmp;
constexpr bool is_comparison(Cmp cmp, WaitCmp own) { return same(static_cast<int>(cmp) + 1, own); }
static_assert(is_comparison(Cmp::EQ, WaitCmp::eq) && is_comparison(Cmp::NE, WaitCmp::ne) &&
              is_comparison(Cmp::GT, WaitCmp::gt) && is_comparison(Cmp::GE, WaitCmp::ge) &&
              is_comparison(Cmp::LT, WaitCmp::lt) && is_comparison(Cmp::LE, WaitCmp::le));

using Notify = pto::comm::NotifyOp;
static_assert(same(Notify::AtomicAdd, NotifyOp::add) && same(Notify::Set, NotifyOp::set));

#endif

}  // namespace
}  // namespace peal
