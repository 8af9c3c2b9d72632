// SPDX-License-Identifier: Apache-2.0
#include "peal/chip/tile_operation.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "peal/base/error.h"
#include "peal/chip/rounding.h"
#include "peal/machine/arithmetic.h"

namespace peal {
namespace {

// A row of elements that moves between global memory and a tile. Its elements are `stride` apart in
// global memory, and lie in one row of the tile, from `col` on.
struct MovedRow {
  std::byte* global = nullptr;
  std::int64_t stride = 1;
  int row = 0, col = 0;
  int count = 0;
};

template <class Fn>
void for_each_row(const GlobalArea& global, const TileArea& tile, Fn&& fn) {
  const auto element_bytes = static_cast<std::int64_t>(size_bytes(global.dtype));
  const auto& shape = global.shape;
  std::int64_t next = 0;
  for (std::int64_t i0 = 0; i0 < shape[0]; ++i0) {
    for (std::int64_t i1 = 0; i1 < shape[1]; ++i1) {
      for (std::int64_t i2 = 0; i2 < shape[2]; ++i2) {
        for (std::int64_t i3 = 0; i3 < shape[3]; ++i3, ++next) {
          const std::int64_t row = global.fractal ? (i0 * shape[2] + i2) * shape[3] + i3 : next;
          const std::int64_t col = global.fractal ? i1 * shape[4] : 0;
          if (row >= tile.valid_rows || col >= tile.valid_cols) continue;
          const std::int64_t first = i0 * global.stride[0] + i1 * global.stride[1] +
                                     i2 * global.stride[2] + i3 * global.stride[3];
          fn(MovedRow{.global = global.data + first * element_bytes,
                      .stride = global.stride[4],
                      .row = static_cast<int>(row),
                      .col = static_cast<int>(col),
                      .count = static_cast<int>(std::min(shape[4], tile.valid_cols - col))});
        }
      }
    }
  }
}

// Copies between a row of global memory and one of a tile, in the direction that `copy` says.
template <class Copy>
void move_row(const MovedRow& moved, const TileArea& tile, Copy&& copy) {
  const std::size_t element_bytes = size_bytes(tile.dtype);
  if (moved.stride == 1 && !tile.column_major) {
    copy(moved.global, tile.data + tile.offset(moved.row, moved.col) * element_bytes,
         static_cast<std::size_t>(moved.count) * element_bytes);
    return;
  }
  for (int i = 0; i < moved.count; ++i) {
    copy(moved.global + i * moved.stride * static_cast<std::int64_t>(element_bytes),
         tile.data + tile.offset(moved.row, moved.col + i) * element_bytes, element_bytes);
  }
}

double element(const TileArea& tile, int row, int col) {
  return with_type(tile.dtype, [&](auto zero) {
    using T = decltype(zero);
    T value;
    std::memcpy(&value, tile.data + tile.offset(row, col) * sizeof(T), sizeof(T));
    if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>) {
      return static_cast<double>(static_cast<float>(value));
    } else {
      return static_cast<double>(value);
    }
  });
}

void set_element(const TileArea& tile, int row, int col, double value, RoundMode mode) {
  with_type(tile.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T rounded = round_to<T>(value, mode);
    std::memcpy(tile.data + tile.offset(row, col) * sizeof(T), &rounded, sizeof(T));
  });
}

ReduceOp reduce_op(TileOpcode opcode) {
  switch (opcode) {
    case TileOpcode::mul:
    case TileOpcode::muls:
      return ReduceOp::prod;
    case TileOpcode::max:
      return ReduceOp::max;
    case TileOpcode::min:
      return ReduceOp::min;
    default:
      return ReduceOp::sum;
  }
}

void combine_tiles(const TileOperation& operation) {
  const TileArea &dst = operation.dst, &a = operation.a, &b = operation.b;
  CHECK(dst.dtype == a.dtype && dst.dtype == b.dtype);
  const std::size_t element_bytes = size_bytes(dst.dtype);
  const bool in_lines = dst.column_major == a.column_major && dst.column_major == b.column_major;
  const int lines = dst.column_major ? dst.valid_cols : dst.valid_rows;
  const int length = dst.column_major ? dst.valid_rows : dst.valid_cols;
  for (int line = 0; line < lines; ++line) {
    for (int i = 0; i < length; i += in_lines ? length : 1) {
      const auto at = [&](const TileArea& tile) {
        const std::size_t offset = dst.column_major ? tile.offset(i, line) : tile.offset(line, i);
        return tile.data + offset * element_bytes;
      };
      combine(dst.dtype, reduce_op(operation.opcode), at(dst), at(a), at(b),
              in_lines ? static_cast<std::size_t>(length) : 1);
    }
  }
}

void for_each_element(const TileArea& tile, auto&& fn) {
  for (int row = 0; row < tile.valid_rows; ++row) {
    for (int col = 0; col < tile.valid_cols; ++col) fn(row, col);
  }
}

void multiply_matrices(const TileOperation& operation) {
  const TileArea &c = operation.dst, &a = operation.a, &b = operation.b;
  const auto floats = [](const TileArea& tile) {
    std::vector<float> values(static_cast<std::size_t>(tile.valid_rows) *
                              static_cast<std::size_t>(tile.valid_cols));
    std::size_t next = 0;
    for_each_element(tile, [&](int row, int col) {
      values[next++] = static_cast<float>(element(tile, row, col));
    });
    return values;
  };
  const std::vector<float> left = floats(a), right = floats(b);
  const auto inner = static_cast<std::size_t>(a.valid_cols),
             width = static_cast<std::size_t>(b.valid_cols);
  std::vector<float> row(width);
  for (int r = 0; r < a.valid_rows; ++r) {
    std::fill(row.begin(), row.end(), 0.0f);
    for (std::size_t k = 0; k < inner; ++k) {
      const float factor = left[static_cast<std::size_t>(r) * inner + k];
      for (std::size_t col = 0; col < width; ++col) row[col] += factor * right[k * width + col];
    }
    for (std::size_t col = 0; col < width; ++col) {
      set_element(c, r, static_cast<int>(col), row[col], RoundMode::none);
    }
  }
}

}  // namespace

std::vector<GlobalRun> moved_runs(const GlobalArea& global, const TileArea& tile) {
  const std::size_t element_bytes = size_bytes(global.dtype);
  std::vector<GlobalRun> runs;
  const auto add = [&runs](std::byte* data, std::size_t bytes) {
    if (bytes == 0) return;
    if (!runs.empty() && runs.back().data + runs.back().size_bytes == data) {
      runs.back().size_bytes += bytes;
    } else {
      runs.push_back({data, bytes});
    }
  };
  for_each_row(global, tile, [&](const MovedRow& moved) {
    if (moved.stride == 1) {
      return add(moved.global, static_cast<std::size_t>(moved.count) * element_bytes);
    }
    for (int i = 0; i < moved.count; ++i) {
      add(moved.global + i * moved.stride * static_cast<std::int64_t>(element_bytes),
          element_bytes);
    }
  });
  return runs;
}

void gather_values(const TileOperation& operation, std::vector<std::byte>& values) {
  values.clear();
  if (operation.a.dtype == operation.global.dtype) {
    for_each_row(operation.global, operation.a, [&](const MovedRow& moved) {
      move_row(moved, operation.a, [&](std::byte*, const std::byte* from, std::size_t bytes) {
        values.insert(values.end(), from, from + bytes);
      });
    });
    return;
  }
  // The pipe of an accumulator converts to the type of its destination.
  for_each_row(operation.global, operation.a, [&](const MovedRow& moved) {
    for (int i = 0; i < moved.count; ++i) {
      with_type(operation.global.dtype, [&](auto zero) {
        const auto value = round_to<decltype(zero)>(element(operation.a, moved.row, moved.col + i),
                                                    RoundMode::none);
        const auto* bytes = reinterpret_cast<const std::byte*>(&value);
        values.insert(values.end(), bytes, bytes + sizeof(value));
      });
    }
  });
}

void carry_out(const TileOperation& operation) {
  const TileArea &dst = operation.dst, &a = operation.a;
  switch (operation.opcode) {
    case TileOpcode::load:
      for_each_row(operation.global, dst, [&](const MovedRow& moved) {
        move_row(moved, dst, [](const std::byte* src, std::byte* to, std::size_t bytes) {
          std::memcpy(to, src, bytes);
        });
      });
      break;
    case TileOpcode::add:
    case TileOpcode::mul:
    case TileOpcode::max:
    case TileOpcode::min:
      combine_tiles(operation);
      break;
    case TileOpcode::adds:
      for_each_element(dst, [&](int row, int col) {
        set_element(dst, row, col, element(a, row, col) + operation.scalar, RoundMode::none);
      });
      break;
    case TileOpcode::muls:
      for_each_element(dst, [&](int row, int col) {
        set_element(dst, row, col, element(a, row, col) * operation.scalar, RoundMode::none);
      });
      break;
    case TileOpcode::expands:
      for_each_element(dst, [&](int row, int col) {
        set_element(dst, row, col, operation.scalar, RoundMode::none);
      });
      break;
    case TileOpcode::cvt:
    case TileOpcode::move:
      for_each_element(dst, [&](int row, int col) {
        set_element(dst, row, col, element(a, row, col), operation.round_mode);
      });
      break;
    case TileOpcode::row_sum:
      for (int row = 0; row < a.valid_rows; ++row) {
        float sum = 0;
        for (int col = 0; col < a.valid_cols; ++col) {
          sum += static_cast<float>(element(a, row, col));
        }
        set_element(dst, row, 0, sum, RoundMode::none);
      }
      break;
    case TileOpcode::matmul:
      multiply_matrices(operation);
      break;
    case TileOpcode::store:
    case TileOpcode::store_add:
      CHECK(false);  // a store takes effect when it becomes visible
  }
}

}  // namespace peal
