// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "peal/machine/dtype.h"

namespace peal {

enum class TileOpcode : std::uint8_t {
  load,       // dst <- global
  store,      // global <- a
  store_add,  // global += a, atomically per element
  add,        // dst = a op b
  mul,
  max,
  min,
  adds,  // dst = a op scalar
  muls,
  expands,  // dst = scalar
  cvt,      // dst = a, of another type
  row_sum,  // dst[r] = the sum of row r of a
  move,     // dst = a
  matmul,   // dst = a x b
};

// The rounding of a conversion: `none` and `rint` to nearest, ties to even; `round` to nearest,
// ties away from zero; `odd` to the odd neighbour if the value is not exact.
enum class RoundMode : std::uint8_t { none, rint, round, floor, ceil, trunc, odd };

// A strided 5-dimensional part of global memory; strides are in elements. A fractal one is a matrix
// cut into blocks: shape[1] columns of shape[2] blocks of shape[3] x shape[4] elements.
struct GlobalArea {
  std::byte* data = nullptr;
  DType dtype{};
  std::array<std::int64_t, 5> shape{};
  std::array<std::int64_t, 5> stride{};
  bool fractal = false;
};

// A tile in on-chip memory; its first valid_rows x valid_cols elements are valid. Tiles in the cube
// core's memories are kept as plain rows, though silicon has a fractal layout there.
struct TileArea {
  std::byte* data = nullptr;
  DType dtype{};
  int rows = 0, cols = 0;
  int valid_rows = 0, valid_cols = 0;
  bool column_major = false;

  [[nodiscard]] std::size_t offset(int row, int col) const {
    const auto r = static_cast<std::size_t>(row), c = static_cast<std::size_t>(col);
    return column_major ? c * static_cast<std::size_t>(rows) + r
                        : r * static_cast<std::size_t>(cols) + c;
  }
};

// A tile instruction with all its operands.
struct TileOperation {
  TileOpcode opcode{};
  RoundMode round_mode{};
  GlobalArea global;
  TileArea dst, a, b;
  std::array<std::byte, 8> scalar{};  // the scalar operand, of the type of dst
  bool to_l1 = false;                 // load: a tile of the cube core

  [[nodiscard]] bool stores() const {
    return opcode == TileOpcode::store || opcode == TileOpcode::store_add;
  }
};

// Consecutive bytes of global memory that an area covers.
struct GlobalRun {
  std::byte* data = nullptr;
  std::size_t size_bytes = 0;
};

// The bytes that a load or store moves, as maximal runs in the tile's row order. The first four
// dimensions of `global` are the rows and the last one the columns, both cut to the tile's valid
// part; of a fractal area, the parts of its blocks that lie in the tile's valid part.
[[nodiscard]] std::vector<GlobalRun> moved_runs(const GlobalArea& global, const TileArea& tile);

// Performs a load, vector instruction, move or matmul on the values. Not for stores.
void carry_out(const TileOperation& operation);
// Copies the values that a store takes from its tile, in the order of moved_runs(), converted to
// the type of the destination.
void gather_values(const TileOperation& operation, std::vector<std::byte>& values);

}  // namespace peal
