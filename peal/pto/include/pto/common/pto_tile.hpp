// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "peal_kernel.hpp"
#include "pto/common/constants.hpp"

namespace pto {

namespace detail {

// The number of an element type in peal::DType.
template <class T>
constexpr std::int32_t dtype_number() {
  using U = std::remove_cv_t<T>;
  constexpr bool is[] = {std::is_same_v<U, float>,        std::is_same_v<U, double>,
                         std::is_same_v<U, half>,         std::is_same_v<U, bfloat16_t>,
                         std::is_same_v<U, std::int8_t>,  std::is_same_v<U, std::uint8_t>,
                         std::is_same_v<U, std::int16_t>, std::is_same_v<U, std::uint16_t>,
                         std::is_same_v<U, std::int32_t>, std::is_same_v<U, std::uint32_t>,
                         std::is_same_v<U, std::int64_t>, std::is_same_v<U, std::uint64_t>};
  std::int32_t number = 0;
  for (bool found : is) {
    if (found) return number;
    ++number;
  }
  return -1;
}
template <class T>
inline constexpr bool is_element = dtype_number<T>() >= 0;

// Five sizes; the constructor takes those that are DYNAMIC.
template <int N1, int N2, int N3, int N4, int N5>
struct Dimensions {
  static constexpr std::array<int, 5> fixed = {N1, N2, N3, N4, N5};
  static constexpr int dynamic_count =
      (N1 == DYNAMIC) + (N2 == DYNAMIC) + (N3 == DYNAMIC) + (N4 == DYNAMIC) + (N5 == DYNAMIC);

  std::array<std::int64_t, 5> values{};

  constexpr Dimensions() {
    for (std::size_t i = 0; i < 5; ++i) values[i] = fixed[i] == DYNAMIC ? 1 : fixed[i];
  }
  // Either all five, or the dynamic ones in their order.
  template <class... Sizes>
  requires(sizeof...(Sizes) > 0 &&
           (std::is_convertible_v<Sizes, std::int64_t> && ...)) constexpr Dimensions(Sizes... sizes)
      : Dimensions() {
    static_assert(sizeof...(Sizes) == 5 || sizeof...(Sizes) == dynamic_count,
                  "give all five sizes, or as many as are DYNAMIC");
    const std::int64_t given[] = {static_cast<std::int64_t>(sizes)...};
    std::size_t next = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      if (sizeof...(Sizes) == 5) {
        values[i] = given[i];
      } else if (fixed[i] == DYNAMIC) {
        values[i] = given[next++];
      }
    }
  }
};

}  // namespace detail

template <int N1 = DYNAMIC, int N2 = DYNAMIC, int N3 = DYNAMIC, int N4 = DYNAMIC, int N5 = DYNAMIC>
struct Shape : detail::Dimensions<N1, N2, N3, N4, N5> {
  using detail::Dimensions<N1, N2, N3, N4, N5>::Dimensions;
};

template <int N1 = DYNAMIC, int N2 = DYNAMIC, int N3 = DYNAMIC, int N4 = DYNAMIC, int N5 = DYNAMIC>
struct Stride : detail::Dimensions<N1, N2, N3, N4, N5> {
  using detail::Dimensions<N1, N2, N3, N4, N5>::Dimensions;
};

// A strided 5-dimensional part of global memory.
template <class T, class ShapeT, class StrideT, Layout layout = Layout::ND>
class GlobalTensor {
 public:
  using RawDType = std::remove_cv_t<T>;
  using DType = T;
  static constexpr Layout tensor_layout = layout;

  static_assert(detail::is_element<T>,
                "a tensor holds float, double, half, bfloat16_t or integers of 8 to 64 bits");

  GlobalTensor() = default;
  GlobalTensor(T* data) : data_(data) {}
  GlobalTensor(T* data, const ShapeT& shape) : data_(data), shape_(shape) {}
  GlobalTensor(T* data, const ShapeT& shape, const StrideT& stride)
      : data_(data), shape_(shape), stride_(stride) {}

  [[nodiscard]] T* data() const { return data_; }
  void SetAddress(T* data) { data_ = data; }
  [[nodiscard]] std::int64_t GetShape(int i) const { return shape_.values[std::size_t(i)]; }
  [[nodiscard]] std::int64_t GetStride(int i) const { return stride_.values[std::size_t(i)]; }

 private:
  T* data_ = nullptr;
  ShapeT shape_;
  StrideT stride_;
};

// A tile in on-chip memory; instructions use its valid rows and columns. TASSIGN sets its address.
template <TileType type, class T, int rows, int cols, BLayout layout = BLayout::RowMajor,
          int valid_rows = rows, int valid_cols = cols, SLayout inner = SLayout::NoneBox,
          int fractal = 512, int... Rest>
class Tile {
 public:
  using DType = T;
  static constexpr TileType Loc = type;
  static constexpr int Rows = rows;
  static constexpr int Cols = cols;
  static constexpr int ValidRow = valid_rows;
  static constexpr int ValidCol = valid_cols;
  static constexpr bool isRowMajor = layout == BLayout::RowMajor;
  static constexpr std::size_t size_bytes = std::size_t(rows) * std::size_t(cols) * sizeof(T);

  static_assert(detail::is_element<T>,
                "a tile holds float, double, half, bfloat16_t or integers of 8 to 64 bits");
  static_assert(rows > 0 && cols > 0, "a tile has at least one row and one column");
  static_assert(type != TileType::Vec || !isRowMajor || cols * sizeof(T) % C0_SIZE_BYTE == 0,
                "the columns of a row-major tile fill a multiple of 32 bytes");
  static_assert(type != TileType::Vec || isRowMajor || rows * sizeof(T) % C0_SIZE_BYTE == 0,
                "the rows of a column-major tile fill a multiple of 32 bytes");
  static_assert(valid_rows <= rows && valid_cols <= cols, "a tile's valid part lies within it");

  Tile() = default;
  // The valid sizes that are DYNAMIC, in the order rows, columns.
  template <class... Sizes>
  requires(sizeof...(Sizes) > 0 &&
           (std::is_convertible_v<Sizes, std::int64_t> && ...)) explicit Tile(Sizes... sizes) {
    static_assert(sizeof...(Sizes) == 2 ||
                      sizeof...(Sizes) == (valid_rows == DYNAMIC) + (valid_cols == DYNAMIC),
                  "give the valid rows and columns that are DYNAMIC");
    const std::int32_t given[] = {static_cast<std::int32_t>(sizes)...};
    if constexpr (sizeof...(Sizes) == 2) {
      valid_[0] = given[0];
      valid_[1] = given[1];
    } else {
      valid_[valid_rows == DYNAMIC ? 0 : 1] = given[0];
    }
  }

  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::int32_t GetValidRow() const { return valid_[0]; }
  [[nodiscard]] std::int32_t GetValidCol() const { return valid_[1]; }
  void SetValidRow(std::int32_t count) { valid_[0] = count; }
  void SetValidCol(std::int32_t count) { valid_[1] = count; }
  [[nodiscard]] T GetValue(std::int64_t i) const { return data_[i]; }
  void SetValue(std::int64_t i, T value) { data_[i] = value; }
  void place_at(void* data) { data_ = static_cast<T*>(data); }

 private:
  T* data_ = nullptr;
  std::int32_t valid_[2] = {valid_rows == DYNAMIC ? rows : valid_rows,
                            valid_cols == DYNAMIC ? cols : valid_cols};
};

template <class T, int rows, int cols, int valid_rows = rows, int valid_cols = cols>
using TileLeft = Tile<TileType::Left, T, rows, cols, BLayout::RowMajor, valid_rows, valid_cols,
                      SLayout::RowMajor>;
template <class T, int rows, int cols, int valid_rows = rows, int valid_cols = cols>
using TileRight = Tile<TileType::Right, T, rows, cols, BLayout::RowMajor, valid_rows, valid_cols,
                       SLayout::ColMajor>;
template <class T, int rows, int cols, int valid_rows = rows, int valid_cols = cols>
using TileAcc = Tile<TileType::Acc, T, rows, cols, BLayout::ColMajor, valid_rows, valid_cols,
                     SLayout::RowMajor, 1024>;

}  // namespace pto
