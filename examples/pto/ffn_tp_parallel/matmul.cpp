// SPDX-License-Identifier: Apache-2.0
// Y = X W of 64 x 64 floats, on a cube core.
// Steps: global memory to L1, L1 to L0A and L0B, the product into L0C, L0C to global memory.
// Needs: 32 KiB of L1 and 16 KiB of each of the others.
#include "collective.h"

namespace {

using namespace pto;

constexpr int size = 64;
using Matrix = GlobalTensor<float, Shape<1, 1, 1, size, size>,
                            Stride<size * size, size * size, size * size, size, 1>, Layout::ND>;
// What the cube core's L1 holds: fractals by columns, rows within each.
using Staged =
    Tile<TileType::Mat, float, size, size, BLayout::ColMajor, size, size, SLayout::RowMajor, 512>;

}  // namespace

extern "C" __aicore__ __attribute__((always_inline)) void kernel_entry(__gm__ int64_t* args) {
  Matrix x(collective::floats_of(args[0])), w(collective::floats_of(args[1]));
  Matrix y(collective::floats_of(args[2]));

  Staged staged_x, staged_w;
  TileLeft<float, size, size> left;
  TileRight<float, size, size> right;
  TileAcc<float, size, size> product;
  TASSIGN(staged_x, 0);
  TASSIGN(staged_w, size * size * 4);
  TASSIGN(left, 0);  // addresses of different memories
  TASSIGN(right, 0);
  TASSIGN(product, 0);

  TLOAD(staged_x, x);
  TLOAD(staged_w, w);
  set_flag(PIPE_MTE2, PIPE_MTE1, EVENT_ID0);
  wait_flag(PIPE_MTE2, PIPE_MTE1, EVENT_ID0);
  TMOV(left, staged_x);
  TMOV(right, staged_w);
  set_flag(PIPE_MTE1, PIPE_M, EVENT_ID0);
  wait_flag(PIPE_MTE1, PIPE_M, EVENT_ID0);
  TMATMUL(product, left, right);
  set_flag(PIPE_M, PIPE_FIX, EVENT_ID0);
  wait_flag(PIPE_M, PIPE_FIX, EVENT_ID0);
  TSTORE(y, product);
  pipe_sync();
}
