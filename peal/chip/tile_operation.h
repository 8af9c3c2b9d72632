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
  store_add,  // the same, added atomically per element
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

// How a conversion rounds; `none` and `rint` to nearest even, `round` to nearest, ties away from 0.
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

// A tile in on-chip memory, of which valid_rows x valid_cols elements count. Tiles of the cube
// core's memories are kept in plain rows, whatever their fractal layout on silicon.
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
  std::array<std::byte, 8> scalar{};  // an element of the type of dst
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

// What a load or store moves, as runs of bytes in the order of the rows: rows of the first four
// dimensions, as many as the tile has valid, of columns of the last, likewise; or what of the
// blocks is in the tile's valid part.
[[nodiscard]] std::vector<GlobalRun> moved_runs(const GlobalArea& global, const TileArea& tile);

// Carries out a load, a vector instruction, a move or a matmul on the values.
void carry_out(const TileOperation& operation);
// The values that a store takes from its tile, in the order of moved_runs.
void gather_values(const TileOperation& operation, std::vector<std::byte>& values);

}  // namespace peal
