// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "peal/chip/tile_operation.h"
#include "peal/machine/float16.h"

namespace peal {

// `value` rounded to an integer in the given mode.
inline double round_integer(double value, RoundMode mode) {
  switch (mode) {
    case RoundMode::none:
    case RoundMode::rint:
      return std::nearbyint(value);
    case RoundMode::round:
      return std::round(value);
    case RoundMode::floor:
      return std::floor(value);
    case RoundMode::ceil:
      return std::ceil(value);
    case RoundMode::trunc:
      return std::trunc(value);
    case RoundMode::odd:
      break;
  }
  const double low = std::floor(value);
  if (low == value) return value;
  return std::fmod(low, 2) != 0 ? low : low + 1;
}

// `value` rounded to a 16-bit float in the given mode: the nearest one, or its neighbour on the
// other side of `value` if the mode asks for that side.
template <class T>
T round_small_float(double value, RoundMode mode) {
  const T nearest(static_cast<float>(value));
  const double reached = static_cast<float>(nearest);
  if (mode == RoundMode::none || mode == RoundMode::rint || mode == RoundMode::round ||
      reached == value || std::isnan(value)) {
    return nearest;
  }
  const bool too_high = reached > value;
  bool wants_lower = mode == RoundMode::floor || (mode == RoundMode::trunc && value > 0);
  if (mode == RoundMode::odd) wants_lower = too_high == ((nearest.bits & 1u) == 0);
  if (mode == RoundMode::odd && (nearest.bits & 1u) != 0) return nearest;
  if (too_high != wants_lower) return nearest;
  // Sign and magnitude: the next lower magnitude has the next lower bit pattern.
  const bool towards_zero = (value > 0) == wants_lower;
  return T::from_bits(
      static_cast<std::uint16_t>(towards_zero ? nearest.bits - 1 : nearest.bits + 1));
}

// `value` rounded to T in the given mode; integers saturate, and NaN becomes 0 as an integer.
template <class T>
T round_to(double value, RoundMode mode) {
  if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>) {
    return round_small_float<T>(value, mode);
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else {
    if (std::isnan(value)) return 0;
    const double rounded = round_integer(value, mode);
    constexpr double least = static_cast<double>(std::numeric_limits<T>::min());
    constexpr double most = static_cast<double>(std::numeric_limits<T>::max());
    if (rounded <= least) return std::numeric_limits<T>::min();
    if (rounded >= most) return std::numeric_limits<T>::max();
    return static_cast<T>(rounded);
  }
}

}  // namespace peal
