// SPDX-License-Identifier: Apache-2.0
// One call of each of the collective instructions, by the root, between barriers of TNOTIFY and
// TWAIT; sizes that need several tiles, of which the last is not full.
#include <pto/common/constants.hpp>
#include <pto/common/pto_tile.hpp>
#include <pto/pto-inst.hpp>

#include "pipe_sync.h"
#include "platform_comm/comm_context.h"
#include "pto/comm/pto_comm_inst.hpp"
#include "tensor.h"

using namespace pto;
using namespace pto::comm;

namespace {

constexpr int rows = 3, cols = 40;
using Flat = GlobalTensor<float, Shape<1, 1, 1, rows, cols>, Stride<120, 120, 120, 40, 1>>;
using Wide = GlobalTensor<float, Shape<1, 1, 1, DYNAMIC, cols>, Stride<1, 1, 1, 40, 1>>;
using Staging = Tile<TileType::Vec, float, 2, 16, BLayout::RowMajor, DYNAMIC, DYNAMIC>;

template <class T>
T* at(CommContext* context, T* local, int peer) {
  return reinterpret_cast<T*>(context->windowsIn[peer] + reinterpret_cast<uint64_t>(local) -
                              context->windowsIn[context->rankId]);
}

void meet(CommContext* context, int32_t* cells, int times) {
  pipe_sync();
  const int ranks = static_cast<int>(context->rankNum);
  for (int peer = 0; peer < ranks; ++peer) {
    Signal signal(at(context, cells + 16 * context->rankId, peer));
    TNOTIFY(signal, 1, NotifyOp::AtomicAdd);
  }
  Signal2D<2, 1> first(cells, 16);
  TWAIT(first, times, WaitCmp::GE);
  for (int peer = 2; peer < ranks; ++peer) {
    Signal signal(cells + 16 * peer);
    while (!TTEST(signal, times, WaitCmp::GE)) {
    }
  }
}

}  // namespace

extern "C" __aicore__ __attribute__((always_inline)) void kernel_entry(__gm__ int64_t* args) {
  auto* input = reinterpret_cast<Tensor*>(args[0]);
  auto* output = reinterpret_cast<Tensor*>(args[1]);
  auto* window = reinterpret_cast<Tensor*>(args[2]);
  auto* context = reinterpret_cast<CommContext*>(args[3]);
  const int me = static_cast<int>(context->rankId), ranks = static_cast<int>(context->rankNum);
  constexpr int size = rows * cols;
  // The window: own part, received part, what the root gathered, signals.
  float* own = reinterpret_cast<float*>(window->buffer.addr);
  float* received = own + size;
  float* gathered = received + size;
  auto* cells = reinterpret_cast<int32_t*>(gathered + ranks * size);

  Staging ping(2, 16), pong(2, 16), acc(2, 16);
  TASSIGN<0>(ping);
  TASSIGN<1024>(pong);
  TASSIGN<2048>(acc);
  Flat source(reinterpret_cast<float*>(input->buffer.addr)), mine(own);
  TPUT(mine, source, ping, pong);
  meet(context, cells, 1);

  if (me == 0) {
    Flat parts[16], landings[16];
    for (int peer = 0; peer < ranks; ++peer) {
      TASSIGN(parts[peer], at(context, own, peer));
      TASSIGN(landings[peer], at(context, received, peer));
    }
    auto from = ParallelGroup<Flat>::Create(parts, ranks, 0);
    auto to = ParallelGroup<Flat>::Create(landings, ranks, 0);
    Wide all(gathered, Shape<1, 1, 1, DYNAMIC, cols>(ranks * rows));
    Flat sum(reinterpret_cast<float*>(output->buffer.addr));
    TREDUCE(from, sum, acc, ping, pong, pto::comm::ReduceOp::Sum);
    TGATHER(from, all, ping, pong);
    pipe_sync();
    TSCATTER(to, all, ping);
    pipe_sync();
    TBROADCAST(from, sum, ping, pong);
  }
  meet(context, cells, 2);
  // Everybody has the sum in `own`, and its own input back in `received`: out = sum + 2 x input.
  Flat total(own), back(received), result(reinterpret_cast<float*>(output->buffer.addr));
  TGET(result, total, ping);
  pipe_barrier(PIPE_ALL);
  TPUT<AtomicType::AtomicAdd>(result, back, ping);
  pipe_barrier(PIPE_ALL);
  TPUT(result, source, ping, AtomicType::AtomicAdd);
  pipe_sync();
}
