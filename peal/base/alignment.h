// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>

#include "peal/base/api.h"

namespace PEAL_API peal {

// The bytes of a cache line, of hosts (x86-64, AArch64) and of the chips' scalar caches alike.
inline constexpr std::size_t cache_line_bytes = 64;

// The pages in which simulated memory is laid out: a constant, so that addresses are the same on
// hosts whose own pages have another size.
inline constexpr std::size_t layout_page_bytes = 4096;

// The lowest multiple of `step`, which is above 0, that is not below `value`.
template <std::unsigned_integral Number>
[[nodiscard]] constexpr Number round_up(Number value, Number step) {
  return (value + step - 1) / step * step;
}

// The bytes of the whole cache lines that `size_bytes` need.
[[nodiscard]] constexpr std::size_t in_cache_lines(std::size_t size_bytes) {
  return round_up(size_bytes, cache_line_bytes);
}

}  // namespace peal
