// SPDX-License-Identifier: Apache-2.0
// The spellings that kernels use, one after another, and what they have to result in.
#include <pto/common/constants.hpp>
#include <pto/common/pto_tile.hpp>
#include <pto/pto-inst.hpp>

#include "intrinsic.h"
#include "pipe_sync.h"
#include "platform_comm/comm_context.h"
#include "pto/comm/comm_types.hpp"
#include "pto/comm/pto_comm_inst.hpp"
#include "tensor.h"

namespace {

using pto::BLayout;
using pto::DYNAMIC;
using pto::TileType;

// A column of 16 elements, and a 16 x 8 part of a matrix read by columns.
using ColumnTile = pto::Tile<TileType::Vec, float, 16, 8, BLayout::ColMajor, 16, 8>;
using RowTile = pto::Tile<TileType::Vec, float, 16, 8>;
using Matrix = pto::GlobalTensor<float, pto::Shape<1, 1, 1, 16, 8>, pto::Stride<1, 1, 1, 8, 1>>;
using ByColumns = pto::GlobalTensor<float, pto::Shape<1, 1, 1, 16, 8>,
                                    pto::Stride<128, 128, 128, 1, 16>, pto::Layout::DN>;
using SumTile = pto::Tile<TileType::Vec, float, 16, 8, BLayout::RowMajor, 16, 1>;
using HalfTile = pto::Tile<TileType::Vec, half, 16, 16, BLayout::RowMajor, 16, 8>;
using BrainTile = pto::Tile<TileType::Vec, bfloat16_t, 16, 16, BLayout::RowMajor, 16, 8>;

template <typename T>
AICORE inline void drain(T) {
  pipe_barrier(PIPE_ALL);
  dsb(DSB_DDR);
}

}  // namespace

extern "C" __aicore__ __attribute__((always_inline)) void kernel_entry(__gm__ int64_t* args) {
  __gm__ Tensor* in = reinterpret_cast<__gm__ Tensor*>(args[0]);
  __gm__ ChipTensor* out = reinterpret_cast<__gm__ ChipTensor*>(args[1]);
  __gm__ float* from = (__gm__ float*)in->buffer.addr + in->start_offset;
  __gm__ float* to = (__gm__ float*)out->buffer.addr;
  const float two = from_u64<float>(0x40000000u);
  if (get_block_idx(args) != 0 || get_block_num(args) != 1) return;

  // Transposed on the way through a column-major tile: out[0..127] = in by columns.
  Matrix source(from);
  ByColumns transposed(to);
  ColumnTile columns;
  TASSIGN<0x0>(columns);
  auto loaded = TLOAD(columns, source);
  set_flag(PIPE_MTE2, PIPE_MTE3, EVENT_ID7);
  wait_flag(PIPE_MTE2, PIPE_MTE3, EVENT_ID7);
  TSTORE<ColumnTile, ByColumns, pto::AtomicType::AtomicNone>(transposed, columns);
  drain(loaded);

  // out[128..255] = in, through half and bfloat16_t, plus itself by an atomic add.
  RowTile rows;
  HalfTile halves;
  BrainTile brains;
  TASSIGN(rows, 0x2000);
  TASSIGN(halves, 0x4000);
  TASSIGN(brains, 0x6000);
  TLOAD(rows, source, loaded);
  set_flag(PIPE_MTE2, PIPE_V, EVENT_ID0);
  wait_flag(PIPE_MTE2, PIPE_V, EVENT_ID0);
  TCVT(halves, rows, pto::RoundMode::CAST_RINT);
  pipe_barrier(PIPE_V);
  TCVT(rows, halves, pto::RoundMode::CAST_NONE);
  pipe_barrier(PIPE_V);
  TCVT(brains, rows, pto::RoundMode::CAST_ROUND);
  pipe_barrier(PIPE_V);
  TCVT(rows, brains, pto::RoundMode::CAST_NONE);
  set_flag(PIPE_V, PIPE_MTE3, EVENT_ID0);
  wait_flag(PIPE_V, PIPE_MTE3, EVENT_ID0);
  Matrix doubled(to + 128);
  TSTORE(doubled, rows);
  pipe_barrier(PIPE_MTE3);
  TSTORE<RowTile, Matrix, pto::AtomicType::AtomicAdd>(doubled, rows);
  drain(0);

  // out[256..271] = twice the sums of the rows, by the scalar unit.
  SumTile sums;
  RowTile work;
  TASSIGN(sums, 0x8000);
  TASSIGN(work, 0xa000);
  TLOAD(rows, source);
  set_flag(PIPE_MTE2, PIPE_V, EVENT_ID1);
  wait_flag(PIPE_MTE2, PIPE_V, EVENT_ID1);
  TROWSUM(sums, rows, work);
  set_flag(PIPE_V, PIPE_S, EVENT_ID1);
  wait_flag(PIPE_V, PIPE_S, EVENT_ID1);
  for (int row = 0; row < sums.GetValidRow(); ++row) {
    st_dev(two * sums.GetValue(row * 8), to + 256 + row, 0);
  }
  dcci((__gm__ void*)to, SINGLE_CACHE_LINE);
  dcci((__gm__ void*)to, cache_line_t::ENTIRE_DATA_CACHE, dcci_dst_t::CACHELINE_OUT);
  dcci((__gm__ void*)to, ENTIRE_DATA_CACHE, CACHELINE_OUT);
  if (ld_dev(to + 256, 0) < 0) return;

  // Dynamic sizes, and what can be asked of tiles and tensors: out[272..279].
  using Any = pto::GlobalTensor<float, pto::Shape<>, pto::Stride<>>;
  using Dynamic = pto::Tile<TileType::Vec, float, 4, 8, BLayout::RowMajor, DYNAMIC, DYNAMIC>;
  Any part(from + 8, pto::Shape<>(1, 1, 1, 1, 8), pto::Stride<>(8, 8, 8, 8, 1));
  Any target(to + 272, pto::Shape<>(1, 1, 1, 1, 8), pto::Stride<>(8, 8, 8, 8, 1));
  Dynamic tile(1, 8);
  tile.SetValidRow(1);
  tile.SetValidCol(static_cast<int>(part.GetShape(4)));
  TASSIGN(tile, 0xc000);
  if (part.GetStride(3) != 8 || tile.GetValidCol() != 8) return;
  pto::comm::TPUT(target, part, tile);
  pipe_sync();
}
