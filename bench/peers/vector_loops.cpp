// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/vector_loops.h"

// Compiled once per vector instruction set; the one of this processor is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/peers/vector_loops.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace peal::peers::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Multiplicative hashing: the upper ten bits of the product with an odd constant look random for
// consecutive numbers.
constexpr std::uint32_t multiplier = 2654435761u;
constexpr int shift = 22;

float value_at(const Pattern& pattern, std::size_t i) {
  const std::uint32_t mixed =
      (static_cast<std::uint32_t>(i) + pattern.first + pattern.salt) * multiplier;
  return pattern.weight * static_cast<float>(1 + (mixed >> shift));
}

// A vector of the values from element i on.
template <class D>
hn::Vec<D> values_at(D d, const Pattern& pattern, std::size_t i) {
  const hn::RebindToUnsigned<D> numbers;
  const hn::RebindToSigned<D> signed_numbers;
  const auto first = static_cast<std::uint32_t>(i) + pattern.first + pattern.salt;
  const auto mixed = hn::Mul(hn::Iota(numbers, first), hn::Set(numbers, multiplier));
  const auto bits = hn::Add(hn::ShiftRight<shift>(mixed), hn::Set(numbers, 1));
  return hn::Mul(hn::ConvertTo(d, hn::BitCast(signed_numbers, bits)), hn::Set(d, pattern.weight));
}

void fill_vectors(std::span<float> dst, const Pattern& pattern) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= dst.size(); i += lanes) {
    hn::StoreU(values_at(d, pattern, i), d, dst.data() + i);
  }
  for (; i < dst.size(); ++i) dst[i] = value_at(pattern, i);
}

std::uint64_t count_wrong_vectors(std::span<const float> got, const Pattern& pattern) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  std::uint64_t wrong = 0;
  std::size_t i = 0;
  for (; i + lanes <= got.size(); i += lanes) {
    const auto same = hn::Eq(hn::LoadU(d, got.data() + i), values_at(d, pattern, i));
    if (!hn::AllTrue(d, same)) wrong += lanes - hn::CountTrue(d, same);
  }
  for (; i < got.size(); ++i) wrong += got[i] == value_at(pattern, i) ? 0u : 1u;
  return wrong;
}

template <class Store>
void add_with(std::span<float* const> dsts, std::span<const float* const> srcs, std::size_t begin,
              std::size_t end, Store store) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = begin;
  for (; i + 2 * lanes <= end; i += 2 * lanes) {
    auto low = hn::LoadU(d, srcs[0] + i), high = hn::LoadU(d, srcs[0] + i + lanes);
    for (std::size_t s = 1; s < srcs.size(); ++s) {
      low = hn::Add(low, hn::LoadU(d, srcs[s] + i));
      high = hn::Add(high, hn::LoadU(d, srcs[s] + i + lanes));
    }
    for (float* dst : dsts) {
      store(low, d, dst + i);
      store(high, d, dst + i + lanes);
    }
  }
  for (; i < end; ++i) {
    float sum = srcs[0][i];
    for (std::size_t s = 1; s < srcs.size(); ++s) sum += srcs[s][i];
    for (float* dst : dsts) dst[i] = sum;
  }
}

void add_vectors(std::span<float* const> dsts, std::span<const float* const> srcs, std::size_t at,
                 std::size_t count, Stores stores) {
  if (stores == Stores::plain) {
    add_with(dsts, srcs, at, at + count, [](auto v, auto d, float* dst) { hn::StoreU(v, d, dst); });
  } else {
    add_with(dsts, srcs, at, at + count, [](auto v, auto d, float* dst) { hn::Stream(v, d, dst); });
    hwy::FlushStream();
  }
}

}  // namespace
}  // namespace peal::peers::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>

namespace peal::peers {

HWY_EXPORT(fill_vectors);
HWY_EXPORT(count_wrong_vectors);
HWY_EXPORT(add_vectors);

void fill(std::span<float> dst, const Pattern& pattern) {
  HWY_DYNAMIC_DISPATCH(fill_vectors)(dst, pattern);
}

std::uint64_t count_wrong(std::span<const float> got, const Pattern& pattern) {
  return HWY_DYNAMIC_DISPATCH(count_wrong_vectors)(got, pattern);
}

void add(std::span<float* const> dsts, std::span<const float* const> srcs, std::size_t at,
         std::size_t count, Stores stores) {
  // Streaming stores are efficient only for whole cache lines.
  const bool aligned = std::all_of(dsts.begin(), dsts.end(), [at](const float* dst) {
    return reinterpret_cast<std::uintptr_t>(dst + at) % 64 == 0;
  });
  HWY_DYNAMIC_DISPATCH(add_vectors)(dsts, srcs, at, count, aligned ? stores : Stores::plain);
}

}  // namespace peal::peers
#endif
