// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "peal/base/api.h"
#include "peal/machine/float16.h"

namespace PEAL_API peal {

// The element types of collectives.
enum class DType : std::uint8_t { f32, f64, f16, bf16, i8, u8, i16, u16, i32, u32, i64, u64 };

inline constexpr DType all_dtypes[] = {DType::f32, DType::f64, DType::f16, DType::bf16,
                                       DType::i8,  DType::u8,  DType::i16, DType::u16,
                                       DType::i32, DType::u32, DType::i64, DType::u64};

// The size in bytes of each type, in the order of the enumeration.
inline constexpr std::uint8_t dtype_sizes[] = {4, 8, 2, 2, 1, 1, 2, 2, 4, 4, 8, 8};

[[nodiscard]] constexpr std::size_t size_bytes(DType dtype) {
  return dtype_sizes[static_cast<std::size_t>(dtype)];
}
[[nodiscard]] const char* name(DType dtype);
[[nodiscard]] bool is_float(DType dtype);

// The type of that name; throws Error with the list of names.
[[nodiscard]] DType parse_dtype(std::string_view text);

// The DType of a C++ element type.
template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct DTypeOf<Float16> {
  static constexpr DType value = DType::f16;
};
template <>
struct DTypeOf<BFloat16> {
  static constexpr DType value = DType::bf16;
};
template <>
struct DTypeOf<std::int8_t> {
  static constexpr DType value = DType::i8;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct DTypeOf<std::int16_t> {
  static constexpr DType value = DType::i16;
};
template <>
struct DTypeOf<std::uint16_t> {
  static constexpr DType value = DType::u16;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct DTypeOf<std::uint32_t> {
  static constexpr DType value = DType::u32;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct DTypeOf<std::uint64_t> {
  static constexpr DType value = DType::u64;
};

// The element of type T that a number is: integers wrap, floats are rounded to nearest.
template <class T, class Number>
[[nodiscard]] T element_of(Number number) {
  if constexpr (std::is_arithmetic_v<T>) {
    return static_cast<T>(number);
  } else {
    return T(static_cast<float>(number));
  }
}

// The integers 0..2^exact_bits are exact in T.
template <class T>
[[nodiscard]] constexpr int exact_bits() {
  if constexpr (std::is_same_v<T, Float16>) {
    return 11;
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    return 8;
  } else {
    return std::numeric_limits<T>::digits;
  }
}

// Calls `fn(T{})` with the C++ type of `dtype`.
template <class Fn>
decltype(auto) with_type(DType dtype, Fn&& fn) {
  switch (dtype) {
    case DType::f32:
      return fn(float{});
    case DType::f64:
      return fn(double{});
    case DType::f16:
      return fn(Float16{});
    case DType::bf16:
      return fn(BFloat16{});
    case DType::i8:
      return fn(std::int8_t{});
    case DType::u8:
      return fn(std::uint8_t{});
    case DType::i16:
      return fn(std::int16_t{});
    case DType::u16:
      return fn(std::uint16_t{});
    case DType::i32:
      return fn(std::int32_t{});
    case DType::u32:
      return fn(std::uint32_t{});
    case DType::i64:
      return fn(std::int64_t{});
    case DType::u64:
      break;
  }
  return fn(std::uint64_t{});
}

}  // namespace peal
