// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "pto/common/constants.hpp"
#include "pto/common/pto_tile.hpp"

namespace pto::comm {

enum class NotifyOp : std::int32_t { AtomicAdd, Set };
enum class WaitCmp : std::int32_t { EQ, NE, GT, GE, LT, LE };
enum class ReduceOp : std::int32_t { Sum, Max, Min };

// One signal: an int32 in a window, zero when the window is allocated.
struct Signal {
  using DType = std::int32_t;
  std::int32_t* ptr = nullptr;

  Signal() = default;
  explicit Signal(std::int32_t* cell) : ptr(cell) {}
  [[nodiscard]] std::int32_t* data() const { return ptr; }
  [[nodiscard]] std::int64_t GetShape(int) const { return 1; }
  [[nodiscard]] std::int64_t GetStride(int) const { return 1; }
};

// Rows x columns signals, `stride` elements from row to row.
template <int rows, int cols>
struct Signal2D {
  std::int32_t* ptr = nullptr;
  std::int64_t stride = cols;

  Signal2D() = default;
  explicit Signal2D(std::int32_t* first, std::int64_t row_stride = cols)
      : ptr(first), stride(row_stride) {}
  [[nodiscard]] std::int32_t* data() const { return ptr; }
};

// The tensors of all ranks, of which `rootIdx` is the root's.
template <class GlobalT>
struct ParallelGroup {
  GlobalT* tensors = nullptr;
  int nranks = 0;
  int rootIdx = 0;

  [[nodiscard]] static ParallelGroup Create(GlobalT* tensors, int ranks, int root) {
    return {tensors, ranks, root};
  }
  [[nodiscard]] int GetRootIdx() const { return rootIdx; }
  [[nodiscard]] int GetSize() const { return nranks; }
  [[nodiscard]] GlobalT& operator[](int rank) const { return tensors[rank]; }
};

}  // namespace pto::comm
