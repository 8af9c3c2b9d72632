// SPDX-License-Identifier: Apache-2.0
// On a ring, by the DMA engine alone: every rank stages its vector, puts it to the next rank and
// gets the one of the rank after it.
#include <pto/pto-inst.hpp>

#include "pipe_sync.h"
#include "platform_comm/comm_context.h"
#include "pto/comm/async_common/async_types.hpp"
#include "pto/comm/pto_comm_inst.hpp"
#include "tensor.h"

using namespace pto;

namespace {

using AnyShape = Shape<DYNAMIC, DYNAMIC, DYNAMIC, DYNAMIC, DYNAMIC>;
using AnyStride = Stride<DYNAMIC, DYNAMIC, DYNAMIC, DYNAMIC, DYNAMIC>;
using Global = GlobalTensor<float, AnyShape, AnyStride, Layout::ND>;

// `count` elements in three rows, which lie one behind the other.
AICORE Global rows_at(__gm__ float* first, int count) {
  const int row = count / 3;
  return Global(first, AnyShape(1, 1, 1, 3, row), AnyStride(count, count, count, row, 1));
}
AICORE Global row_at(__gm__ float* first, int count) {
  return Global(first, AnyShape(1, 1, 1, 1, count), AnyStride(count, count, count, count, 1));
}

template <typename T>
AICORE inline __gm__ T* remote(__gm__ CommContext* ctx, __gm__ T* local, int peer) {
  return (__gm__ T*)(ctx->windowsIn[peer] + ((uint64_t)local - ctx->windowsIn[ctx->rankId]));
}

}  // namespace

extern "C" __aicore__ __attribute__((always_inline)) void kernel_entry(__gm__ int64_t* args) {
  __gm__ float* in = (__gm__ float*)reinterpret_cast<__gm__ Tensor*>(args[0])->buffer.addr;
  __gm__ float* put = (__gm__ float*)reinterpret_cast<__gm__ Tensor*>(args[1])->buffer.addr;
  __gm__ float* got = (__gm__ float*)reinterpret_cast<__gm__ Tensor*>(args[2])->buffer.addr;
  __gm__ float* window = (__gm__ float*)reinterpret_cast<__gm__ Tensor*>(args[3])->buffer.addr;
  const int count = (int)args[4], call = (int)args[5];
  __gm__ CommContext* ctx = reinterpret_cast<__gm__ CommContext*>(args[6]);
  const int ranks = (int)ctx->rankNum, me = (int)ctx->rankId;
  const int next = (me + 1) % ranks, previous = (me + ranks - 1) % ranks;
  __gm__ int32_t* signals = (__gm__ int32_t*)(window + 6 * count);
  __gm__ float* staged = window + call % 2 * 2 * count;
  __gm__ float* received = staged + count;

  using Scratch = Tile<TileType::Vec, uint8_t, 1, 256>;
  Scratch scratch;
  TASSIGN(scratch, 0x0);
  comm::AsyncSession session;
  comm::sdma::SdmaBaseConfig config{1024 * 1024, 0, 1};
  if (!comm::BuildAsyncSession<comm::DmaEngine::SDMA>(scratch, (__gm__ uint8_t*)ctx->workSpace,
                                                      session, 0, config, 0)) {
    return;
  }
  Global source = row_at(in, count), stage = rows_at(staged, count);
  Global target = rows_at(remote(ctx, received, next), count);
  comm::AsyncEvent first = comm::TPUT_ASYNC<comm::DmaEngine::SDMA>(stage, source, session);
  comm::AsyncEvent second = TPUT_ASYNC(target, source, session);
  if (!first.valid() || second.handle == 0 || second.engine != comm::DmaEngine::SDMA) return;
  second.Wait(session);
  // To the next rank: its vector is there; to the previous one: it may be fetched from here.
  comm::Signal to_next(remote(ctx, signals, next)),
      to_previous(remote(ctx, signals + 16, previous));
  comm::TNOTIFY(to_next, 1, comm::NotifyOp::AtomicAdd);
  comm::TNOTIFY(to_previous, 1, comm::NotifyOp::AtomicAdd);
  comm::Signal from_previous(signals), from_next(signals + 16);
  comm::TWAIT(from_previous, call + 1, comm::WaitCmp::GE);
  comm::TWAIT(from_next, call + 1, comm::WaitCmp::GE);
  Global theirs = rows_at(remote(ctx, staged, next), count);
  Global out = row_at(got, count), own = rows_at(received, count), copy = row_at(put, count);
  auto fetched = comm::TGET_ASYNC(out, theirs, session);
  auto copied = comm::TGET_ASYNC<comm::DmaEngine::SDMA>(copy, own, session);
  while (!copied.Test(session)) {
  }
  fetched.Wait(session);
  pipe_sync();
}
