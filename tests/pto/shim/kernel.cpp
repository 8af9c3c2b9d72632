// SPDX-License-Identifier: Apache-2.0
// out = in * factor + summand, each block on its own part.
#include <pto/pto-inst.hpp>

#include "pipe_sync.h"
#include "tensor.h"

using namespace pto;

extern "C" __aicore__ __attribute__((always_inline)) void kernel_entry(__gm__ int64_t* args) {
  auto* in = reinterpret_cast<__gm__ ChipTensor*>(args[0]);
  auto* out = reinterpret_cast<__gm__ ChipTensor*>(args[1]);
  const auto factor = from_u64<int64_t>(static_cast<uint64_t>(args[2]));
  const auto summand = from_u64<int64_t>(static_cast<uint64_t>(args[3]));
  const int part = static_cast<int>(in->shapes[0]) / get_block_num(args);
  const int first = part * get_block_idx(args);
  using Part = GlobalTensor<float, Shape<1, 1, 1, 1, DYNAMIC>, Stride<1, 1, 1, 1, 1>>;
  using Row = Tile<TileType::Vec, float, 1, 128, BLayout::RowMajor, 1, DYNAMIC>;
  Row tile(part);
  TASSIGN(tile, 0);
  Part source((__gm__ float*)in->buffer.addr + first, Shape<1, 1, 1, 1, DYNAMIC>(part));
  Part target((__gm__ float*)out->buffer.addr + first, Shape<1, 1, 1, 1, DYNAMIC>(part));
  TLOAD(tile, source);
  set_flag(PIPE_MTE2, PIPE_V, EVENT_ID0);
  wait_flag(PIPE_MTE2, PIPE_V, EVENT_ID0);
  TMULS(tile, tile, static_cast<float>(factor));
  pipe_barrier(PIPE_V);
  TADDS(tile, tile, static_cast<float>(summand));
  set_flag(PIPE_V, PIPE_MTE3, EVENT_ID0);
  wait_flag(PIPE_V, PIPE_MTE3, EVENT_ID0);
  TSTORE(target, tile);
  pipe_sync();
}
