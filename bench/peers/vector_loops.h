// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace peal::peers {

// The loops of a benchmark beside the library that it measures, with the processor's vectors.

// Element i of a buffer is `weight * pattern(first + i, salt)`, where a pattern is a whole number
// from 1 to 1024 that looks random. Weights are small whole numbers, so every sum is exact.
struct Pattern {
  std::uint32_t salt = 0;
  std::uint32_t first = 0;
  float weight = 1;
};

void fill(std::span<float> dst, const Pattern& pattern);
[[nodiscard]] std::uint64_t count_wrong(std::span<const float> got, const Pattern& pattern);

enum class Stores { plain, streaming };

// Sums of one element of each source into every destination; all begin `at` elements in.
void add(std::span<float* const> dsts, std::span<const float* const> srcs, std::size_t at,
         std::size_t count, Stores stores);

}  // namespace peal::peers
