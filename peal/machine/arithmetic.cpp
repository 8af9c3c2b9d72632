// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/arithmetic.h"

#include <cmath>
#include <cstring>
#include <type_traits>

#include "peal/base/error.h"

namespace peal {
namespace {

template <class T>
inline constexpr bool is_small_float = std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>;

// An unsigned type at least as wide as int: sums and products wrap in it, where a promotion to int
// could overflow, which is undefined.
template <class T>
using Wide = decltype(std::make_unsigned_t<T>{} + 0u);

template <class T>
T add(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a + b;
  } else {
    return static_cast<T>(static_cast<Wide<T>>(a) + static_cast<Wide<T>>(b));
  }
}
template <class T>
T multiply(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a * b;
  } else {
    return static_cast<T>(static_cast<Wide<T>>(a) * static_cast<Wide<T>>(b));
  }
}
// NaN propagates, `a` before `b`. -0 is less than +0, so that the result does not depend on the
// order of the operands.
template <class T>
T smaller(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a)) return a;
    return b < a || std::isnan(b) || (a == b && std::signbit(b)) ? b : a;
  } else {
    return b < a ? b : a;
  }
}
template <class T>
T larger(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a)) return a;
    return b > a || std::isnan(b) || (a == b && std::signbit(a)) ? b : a;
  } else {
    return b > a ? b : a;
  }
}

template <class T, class Op>
void apply(std::byte* dst, const std::byte* a, const std::byte* b, std::size_t count, Op op) {
  constexpr std::size_t size = sizeof(T);
  for (std::size_t i = 0; i < count; ++i) {  // memcpy: views need not be aligned to their type
    T left, right, result;
    std::memcpy(&left, a + i * size, size);
    std::memcpy(&right, b + i * size, size);
    if constexpr (is_small_float<T>) {
      result = T(op(static_cast<float>(left), static_cast<float>(right)));
    } else {
      result = op(left, right);
    }
    std::memcpy(dst + i * size, &result, size);
  }
}

template <class To, class From>
void convert_elements(std::byte* dst, const std::byte* src, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    From from;
    std::memcpy(&from, src + i * sizeof(From), sizeof(From));
    const To to = To(static_cast<float>(from));
    std::memcpy(dst + i * sizeof(To), &to, sizeof(To));
  }
}

}  // namespace

void combine(DType dtype, ReduceOp op, std::byte* dst, const std::byte* a, const std::byte* b,
             std::size_t count) {
  with_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    switch (op) {
      case ReduceOp::sum:
        return apply<T>(dst, a, b, count, [](auto x, auto y) { return add(x, y); });
      case ReduceOp::prod:
        return apply<T>(dst, a, b, count, [](auto x, auto y) { return multiply(x, y); });
      case ReduceOp::min:
        return apply<T>(dst, a, b, count, [](auto x, auto y) { return smaller(x, y); });
      case ReduceOp::max:
        return apply<T>(dst, a, b, count, [](auto x, auto y) { return larger(x, y); });
    }
  });
}

void convert(DType dst_dtype, std::byte* dst, DType src_dtype, const std::byte* src,
             std::size_t count) {
  if (dst_dtype == DType::f32 && src_dtype == DType::f16) {
    convert_elements<float, Float16>(dst, src, count);
  } else if (dst_dtype == DType::f32 && src_dtype == DType::bf16) {
    convert_elements<float, BFloat16>(dst, src, count);
  } else if (dst_dtype == DType::f16 && src_dtype == DType::f32) {
    convert_elements<Float16, float>(dst, src, count);
  } else {
    PEAL_CHECK(dst_dtype == DType::bf16 && src_dtype == DType::f32);
    convert_elements<BFloat16, float>(dst, src, count);
  }
}

}  // namespace peal
