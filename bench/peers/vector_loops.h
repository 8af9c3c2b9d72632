// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace peal::peers {

// Vectorised loops of the benchmark itself: filling, checking and summing buffers.

// Element i of a buffer is `weight * pattern(first + i, salt)`, where pattern() is a pseudo-random
// integer from 1 to 1024. Weights are small integers, so every sum is exact.
struct Pattern {
  std::uint32_t salt = 0;
  std::uint32_t first = 0;
  float weight = 1;
};

void fill(std::span<float> dst, const Pattern& pattern);
[[nodiscard]] std::uint64_t count_wrong(std::span<const float> got, const Pattern& pattern);

enum class Stores { plain, streaming };

// Writes the elementwise sum of all sources to every destination, for `count` elements from element
// `at` on.
void add(std::span<float* const> dsts, std::span<const float* const> srcs, std::size_t at,
         std::size_t count, Stores stores);

}  // namespace peal::peers
