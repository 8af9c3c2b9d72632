// SPDX-License-Identifier: Apache-2.0
// Every rank puts its row into its slot of each peer's window, notifies all and sums the slots: a
// kernel in the manner of those written elsewhere, with their quirks.
#ifndef __aicore__
#define __aicore__ [aicore]
#endif
#include <cstdint>
#include <pto/pto-inst.hpp>

#include "intrinsic.h"
#include "pipe_sync.h"
#include "platform_comm/comm_context.h"
#include "pto/comm/comm_types.hpp"
#include "pto/comm/pto_comm_inst.hpp"
#include "tensor.h"

using namespace pto;

namespace {

constexpr int kCount = 64;
using ShapeDyn = Shape<DYNAMIC, DYNAMIC, DYNAMIC, DYNAMIC, DYNAMIC>;
using StrideDyn = Stride<DYNAMIC, DYNAMIC, DYNAMIC, DYNAMIC, DYNAMIC>;
using Global = GlobalTensor<float, ShapeDyn, StrideDyn, Layout::ND>;
using RowTile = Tile<TileType::Vec, float, 1, kCount, BLayout::RowMajor, -1, -1>;

template <typename T>
AICORE inline __gm__ T *remote(__gm__ CommContext *ctx, __gm__ T *local, int peer) {
  return (__gm__ T *)(ctx->windowsIn[peer] + ((uint64_t)local - ctx->windowsIn[ctx->rankId]));
}

}  // namespace

extern "C" __aicore__ __attribute__((always_inline)) void kernel_entry(__gm__ int64_t *args) {
  __gm__ Tensor *in_tensor = reinterpret_cast<__gm__ Tensor *>(args[0]);
  __gm__ Tensor *out_tensor = reinterpret_cast<__gm__ Tensor *>(args[1]);
  __gm__ Tensor *window = reinterpret_cast<__gm__ Tensor *>(args[2]);
  int call = static_cast<int>(args[3]);
  __gm__ CommContext *ctx = reinterpret_cast<__gm__ CommContext *>(args[4]);
  __gm__ float *in = (__gm__ float *)in_tensor->buffer.addr + in_tensor->start_offset;
  __gm__ float *out = (__gm__ float *)out_tensor->buffer.addr + out_tensor->start_offset;
  __gm__ float *slots = (__gm__ float *)window->buffer.addr;
  int P = (int)ctx->rankNum, me = (int)ctx->rankId;
  __gm__ int32_t *signals = (__gm__ int32_t *)(slots + 2 * P * kCount);
  slots += (call % 2) * P * kCount;

  ShapeDyn shape(1, 1, 1, 1, kCount);
  StrideDyn stride(kCount, kCount, kCount, kCount, 1);
  RowTile staging(1, kCount), sum(1, kCount);
  TASSIGN(staging, 0x0);
  TASSIGN(sum, 0x1000);
  Global source(in, shape, stride);
  for (int peer = 0; peer < P; ++peer) {
    Global target(remote(ctx, slots + me * kCount, peer), shape, stride);
    comm::TPUT(target, source, staging);
  }
  pipe_barrier(PIPE_ALL);
  dsb(DSB_ALL);
  for (int peer = 0; peer < P; ++peer) {
    comm::Signal arrived(remote(ctx, signals + me * 16, peer));
    TNOTIFY(arrived, 1, comm::NotifyOp::AtomicAdd);
  }
  for (int peer = 0; peer < P; ++peer) {
    comm::Signal arrived(signals + peer * 16);
    TWAIT(arrived, call + 1, comm::WaitCmp::GE);
  }
  TEXPANDS(sum, 0.0f);
  for (int peer = 0; peer < P; ++peer) {
    Global slot(slots + peer * kCount, shape, stride);
    TLOAD(staging, slot);
    set_flag(PIPE_MTE2, PIPE_V, EVENT_ID0);
    wait_flag(PIPE_MTE2, PIPE_V, EVENT_ID0);
    TADD(sum, sum, staging);
    set_flag(PIPE_V, PIPE_MTE2, EVENT_ID0);
    wait_flag(PIPE_V, PIPE_MTE2, EVENT_ID0);
  }
  set_flag(PIPE_V, PIPE_MTE3, EVENT_ID0);
  wait_flag(PIPE_V, PIPE_MTE3, EVENT_ID0);
  Global result(out, shape, stride);
  TSTORE(result, sum);
  pipe_sync();
}
