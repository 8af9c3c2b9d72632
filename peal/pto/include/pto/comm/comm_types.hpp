// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "pto/comm/async_common/async_types.hpp"
#include "pto/common/constants.hpp"
#include "pto/common/pto_tile.hpp"

namespace pto::comm {

enum class NotifyOp : std::int32_t { AtomicAdd, Set };
enum class WaitCmp : std::int32_t { EQ, NE, GT, GE, LT, LE };
enum class ReduceOp : std::int32_t { Sum, Max, Min };

// One signal: an int32 in a window, zero when the window is allocated.
using Signal = GlobalTensor<std::int32_t, Shape<1, 1, 1, 1, 1>, Stride<1, 1, 1, 1, 1>>;

template <class T, class ShapeT, class StrideT, Layout layout = Layout::ND>
using GlobalSignal = GlobalTensor<T, ShapeT, StrideT, layout>;

// Rows x columns signals, `stride` elements from row to row.
template <int rows, int cols>
struct Signal2D
    : GlobalTensor<std::int32_t, Shape<1, 1, 1, rows, cols>, Stride<1, 1, 1, DYNAMIC, 1>> {
  Signal2D(std::int32_t* first, int stride = cols)
      : GlobalTensor<std::int32_t, Shape<1, 1, 1, rows, cols>, Stride<1, 1, 1, DYNAMIC, 1>>(
            first, {}, Stride<1, 1, 1, DYNAMIC, 1>(stride)) {}
};

// The tensors of all ranks, of which `rootIdx` is the root's.
template <class GlobalT>
struct ParallelGroup {
  GlobalT* tensors = nullptr;
  int nranks = 0;
  int rootIdx = -1;

  [[nodiscard]] static ParallelGroup Create(GlobalT* tensors, int ranks, int root) {
    return {tensors, ranks, root};
  }
  [[nodiscard]] int GetRootIdx() const { return rootIdx; }
  [[nodiscard]] int GetSize() const { return nranks; }
  [[nodiscard]] GlobalT& operator[](int rank) const { return tensors[rank]; }
};

}  // namespace pto::comm
