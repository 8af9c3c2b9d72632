// SPDX-License-Identifier: Apache-2.0
#include "peal/chip/tile_operation.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "peal/base/error.h"
#include "peal/chip/rounding.h"
#include "peal/machine/arithmetic.h"

namespace peal {
namespace {

// A row that moves between global memory and a tile: `count` elements, `stride` elements apart in
// global memory, and in the tile from element (row, col) on.
struct MovedRow {
  std::byte* global = nullptr;
  std::int64_t stride = 1;
  int row = 0, col = 0;
  int count = 0;
};

// Visits the rows of the area that intersect the tile's valid part. The loops stop at its end, so
// the time does not depend on how large the shape is. Addresses are computed modulo 2^64 and not
// dereferenced here; they are checked before use.
template <class Fn>
void for_each_row(const GlobalArea& global, const TileArea& tile, Fn&& fn) {
  const auto element_bytes = static_cast<std::uint64_t>(size_bytes(global.dtype));
  const auto& shape = global.shape;
  const auto base = reinterpret_cast<std::uintptr_t>(global.data);
  const auto visit = [&](const std::array<std::int64_t, 4>& index, std::int64_t row,
                         std::int64_t col) {
    std::uint64_t first = 0;
    for (std::size_t i = 0; i < index.size(); ++i) {
      first += static_cast<std::uint64_t>(index[i]) * static_cast<std::uint64_t>(global.stride[i]);
    }
    fn(MovedRow{.global = reinterpret_cast<std::byte*>(base + first * element_bytes),
                .stride = global.stride[4],
                .row = static_cast<int>(row),
                .col = static_cast<int>(col),
                .count = static_cast<int>(std::min(shape[4], tile.valid_cols - col))});
  };
  if (std::any_of(shape.begin(), shape.end(), [](std::int64_t size) { return size <= 0; })) return;
  std::int64_t band = 0;  // the tile's row at which the blocks of one i0 start
  for (std::int64_t i0 = 0; i0 < shape[0] && band < tile.valid_rows; ++i0) {
    std::int64_t row = band;
    for (std::int64_t i1 = 0, col = 0; i1 < shape[1] && col < tile.valid_cols; ++i1) {
      if (global.fractal) row = band;  // this block column lies beside the last one, not below it
      if (row >= tile.valid_rows) break;
      for (std::int64_t i2 = 0; i2 < shape[2] && row < tile.valid_rows; ++i2) {
        for (std::int64_t i3 = 0; i3 < shape[3] && row < tile.valid_rows; ++i3, ++row) {
          visit({i0, i1, i2, i3}, row, col);
        }
      }
      if (global.fractal) col += std::min<std::int64_t>(shape[4], tile.valid_cols);
    }
    band = row;
  }
}

// Calls `copy(global, tile, bytes)` for the pieces of a row that are contiguous in both; `copy`
// chooses the direction.
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

template <class T>
T element(const TileArea& tile, int row, int col) {
  T value;
  std::memcpy(&value, tile.data + tile.offset(row, col) * sizeof(T), sizeof(T));
  return value;
}

template <class T>
void set_element(const TileArea& tile, int row, int col, T value) {
  std::memcpy(tile.data + tile.offset(row, col) * sizeof(T), &value, sizeof(T));
}

template <class T>
inline constexpr bool is_small_float = std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>;

// Converts a value: exact if To can represent it; otherwise floats are rounded in the given mode
// and integers saturate.
template <class To, class From>
To converted(From from, RoundMode mode) {
  if constexpr (std::is_same_v<To, From>) {
    return from;
  } else if constexpr (std::is_integral_v<From> && std::is_integral_v<To>) {
    using Limits = std::numeric_limits<To>;
    if (std::cmp_less(from, Limits::min())) return Limits::min();
    if (std::cmp_greater(from, Limits::max())) return Limits::max();
    return static_cast<To>(from);
  } else if constexpr (std::is_integral_v<From> && std::is_floating_point_v<To>) {
    return static_cast<To>(from);
  } else if constexpr (is_small_float<From>) {
    return round_to<To>(static_cast<double>(static_cast<float>(from)), mode);
  } else {
    return round_to<To>(static_cast<double>(from), mode);
  }
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
  PEAL_CHECK(dst.dtype == a.dtype && dst.dtype == b.dtype);
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

// The elements of a tile's valid part in row-major order, converted to T.
template <class T>
std::vector<T> values_of(const TileArea& tile) {
  std::vector<T> values;
  values.reserve(static_cast<std::size_t>(tile.valid_rows) *
                 static_cast<std::size_t>(tile.valid_cols));
  with_type(tile.dtype, [&](auto zero) {
    using From = decltype(zero);
    for_each_element(tile, [&](int row, int col) {
      values.push_back(converted<T>(element<From>(tile, row, col), RoundMode::none));
    });
  });
  return values;
}

// Accumulates in T; integers in the unsigned type of the same width, so that overflow wraps.
template <class T>
void multiply_matrices_as(const TileOperation& operation) {
  const TileArea &c = operation.dst, &a = operation.a, &b = operation.b;
  using Sum =
      std::conditional_t<std::is_integral_v<T>, std::make_unsigned<T>, std::type_identity<T>>;
  using S = typename Sum::type;
  const std::vector<T> left = values_of<T>(a), right = values_of<T>(b);
  const auto inner = static_cast<std::size_t>(a.valid_cols),
             width = static_cast<std::size_t>(b.valid_cols);
  std::vector<S> row(width);
  for (int r = 0; r < a.valid_rows; ++r) {
    std::fill(row.begin(), row.end(), S{});
    for (std::size_t k = 0; k < inner; ++k) {
      const auto factor = static_cast<S>(left[static_cast<std::size_t>(r) * inner + k]);
      for (std::size_t col = 0; col < width; ++col) {
        row[col] += factor * static_cast<S>(right[k * width + col]);
      }
    }
    with_type(c.dtype, [&](auto zero) {
      using To = decltype(zero);
      for (std::size_t col = 0; col < width; ++col) {
        set_element(c, r, static_cast<int>(col),
                    converted<To>(static_cast<T>(row[col]), RoundMode::none));
      }
    });
  }
}

void multiply_matrices(const TileOperation& operation) {
  if (operation.dst.dtype == DType::i32) return multiply_matrices_as<std::int32_t>(operation);
  multiply_matrices_as<float>(operation);
}

// dst = a op scalar, in the type of both.
void combine_with_scalar(const TileOperation& operation) {
  const TileArea &dst = operation.dst, &a = operation.a;
  const std::size_t element_bytes = size_bytes(dst.dtype);
  for_each_element(dst, [&](int row, int col) {
    combine(dst.dtype, reduce_op(operation.opcode), dst.data + dst.offset(row, col) * element_bytes,
            a.data + a.offset(row, col) * element_bytes, operation.scalar.data(), 1);
  });
}

void convert_tile(const TileOperation& operation) {
  with_type(operation.dst.dtype, [&](auto to_zero) {
    with_type(operation.a.dtype, [&](auto from_zero) {
      using To = decltype(to_zero);
      using From = decltype(from_zero);
      for_each_element(operation.dst, [&](int row, int col) {
        set_element(operation.dst, row, col,
                    converted<To>(element<From>(operation.a, row, col), operation.round_mode));
      });
    });
  });
}

// Floats are summed in f32 (f64 in f64) in the order of the columns; integers wrap.
void sum_rows(const TileOperation& operation) {
  const TileArea &dst = operation.dst, &a = operation.a;
  PEAL_CHECK(dst.dtype == a.dtype);
  const DType wide = accumulator(a.dtype);
  with_type(wide, [&](auto zero) {
    using Wide = decltype(zero);
    for (int row = 0; row < a.valid_rows; ++row) {
      Wide sum{};
      with_type(a.dtype, [&](auto element_zero) {
        using T = decltype(element_zero);
        for (int col = 0; col < a.valid_cols; ++col) {
          const Wide value = converted<Wide>(element<T>(a, row, col), RoundMode::none);
          combine(wide, ReduceOp::sum, reinterpret_cast<std::byte*>(&sum),
                  reinterpret_cast<const std::byte*>(&sum),
                  reinterpret_cast<const std::byte*>(&value), 1);
        }
        set_element(dst, row, 0, converted<T>(sum, RoundMode::none));
      });
    }
  });
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
  // FIX, the pipe that stores from L0C, converts accumulators to the type of the destination.
  for_each_row(operation.global, operation.a, [&](const MovedRow& moved) {
    with_type(operation.global.dtype, [&](auto to_zero) {
      with_type(operation.a.dtype, [&](auto from_zero) {
        for (int i = 0; i < moved.count; ++i) {
          const auto value = converted<decltype(to_zero)>(
              element<decltype(from_zero)>(operation.a, moved.row, moved.col + i), RoundMode::none);
          const auto* bytes = reinterpret_cast<const std::byte*>(&value);
          values.insert(values.end(), bytes, bytes + sizeof(value));
        }
      });
    });
  });
}

void carry_out(const TileOperation& operation) {
  const TileArea& dst = operation.dst;
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
    case TileOpcode::muls:
      combine_with_scalar(operation);
      break;
    case TileOpcode::expands:
      for_each_element(dst, [&](int row, int col) {
        std::memcpy(dst.data + dst.offset(row, col) * size_bytes(dst.dtype),
                    operation.scalar.data(), size_bytes(dst.dtype));
      });
      break;
    case TileOpcode::cvt:
    case TileOpcode::move:
      convert_tile(operation);
      break;
    case TileOpcode::row_sum:
      sum_rows(operation);
      break;
    case TileOpcode::matmul:
      multiply_matrices(operation);
      break;
    case TileOpcode::store:
    case TileOpcode::store_add:
      PEAL_CHECK(false);  // a store takes effect when it becomes visible
  }
}

}  // namespace peal
