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

// Calls fn(global address, tile row, length) for every row that moves; the columns of a row are
// `column_stride` elements apart.
template <class Fn>
void for_each_row(const GlobalArea& global, const TileArea& tile, Fn&& fn) {
  const std::size_t element_bytes = size_bytes(global.dtype);
  const int cols = static_cast<int>(std::min<std::int64_t>(global.shape[4], tile.valid_cols));
  int row = 0;
  for (std::int64_t i0 = 0; i0 < global.shape[0]; ++i0) {
    for (std::int64_t i1 = 0; i1 < global.shape[1]; ++i1) {
      for (std::int64_t i2 = 0; i2 < global.shape[2]; ++i2) {
        for (std::int64_t i3 = 0; i3 < global.shape[3] && row < tile.valid_rows; ++i3, ++row) {
          const std::int64_t first = i0 * global.stride[0] + i1 * global.stride[1] +
                                     i2 * global.stride[2] + i3 * global.stride[3];
          fn(global.data + first * static_cast<std::int64_t>(element_bytes), row, cols);
        }
      }
    }
  }
}

// Copies between a row of global memory and one of a tile, in the direction that `copy` says.
template <class Copy>
void move_row(const GlobalArea& global, const TileArea& tile, std::byte* from, int row, int cols,
              Copy&& copy) {
  const std::size_t element_bytes = size_bytes(global.dtype);
  if (global.stride[4] == 1 && !tile.column_major) {
    copy(from, tile.data + tile.offset(row, 0) * element_bytes,
         static_cast<std::size_t>(cols) * element_bytes);
    return;
  }
  for (int col = 0; col < cols; ++col) {
    copy(from + col * global.stride[4] * static_cast<std::int64_t>(element_bytes),
         tile.data + tile.offset(row, col) * element_bytes, element_bytes);
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
  for_each_row(global, tile, [&](std::byte* from, int, int cols) {
    if (global.stride[4] == 1) return add(from, static_cast<std::size_t>(cols) * element_bytes);
    for (int col = 0; col < cols; ++col) {
      add(from + col * global.stride[4] * static_cast<std::int64_t>(element_bytes), element_bytes);
    }
  });
  return runs;
}

void gather_values(const TileOperation& operation, std::vector<std::byte>& values) {
  values.clear();
  if (operation.a.dtype == operation.global.dtype) {
    for_each_row(operation.global, operation.a, [&](std::byte* to, int row, int cols) {
      move_row(operation.global, operation.a, to, row, cols,
               [&](std::byte*, const std::byte* from, std::size_t bytes) {
                 values.insert(values.end(), from, from + bytes);
               });
    });
    return;
  }
  // The pipe of an accumulator converts to the type of its destination.
  for_each_row(operation.global, operation.a, [&](std::byte*, int row, int cols) {
    for (int col = 0; col < cols; ++col) {
      with_type(operation.global.dtype, [&](auto zero) {
        const auto value =
            round_to<decltype(zero)>(element(operation.a, row, col), RoundMode::none);
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
      for_each_row(operation.global, dst, [&](std::byte* from, int row, int cols) {
        move_row(operation.global, dst, from, row, cols,
                 [](const std::byte* src, std::byte* to, std::size_t bytes) {
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
