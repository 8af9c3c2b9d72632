// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/arithmetic.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace peal {
namespace {

template <class T>
T combined(ReduceOp op, T a, T b) {
  T result{};
  combine(DTypeOf<T>::value, op, reinterpret_cast<std::byte*>(&result),
          reinterpret_cast<const std::byte*>(&a), reinterpret_cast<const std::byte*>(&b), 1);
  return result;
}

TEST(Arithmetic, IntegersWrap) {
  EXPECT_EQ(combined<std::uint8_t>(ReduceOp::sum, 200, 100), 44);
  EXPECT_EQ(combined<std::int8_t>(ReduceOp::sum, 127, 1), -128);
  EXPECT_EQ(combined<std::uint16_t>(ReduceOp::prod, 65535, 65535), 1);
  EXPECT_EQ(combined<std::int16_t>(ReduceOp::sum, 32767, 1), -32768);
  EXPECT_EQ(combined<std::int32_t>(ReduceOp::prod, std::numeric_limits<std::int32_t>::min(), -1),
            std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(combined<std::uint64_t>(ReduceOp::sum, ~0ull, 2), 1u);
  EXPECT_EQ(combined<std::int64_t>(ReduceOp::min, -1, 1), -1);
  EXPECT_EQ(combined<std::uint32_t>(ReduceOp::max, 0xffffffffu, 1), 0xffffffffu);
}

TEST(Arithmetic, NanPropagatesFromEitherSide) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (ReduceOp op : all_reduce_ops) {
    EXPECT_TRUE(std::isnan(combined<float>(op, nan, 1))) << name(op);
    EXPECT_TRUE(std::isnan(combined<float>(op, 1, nan))) << name(op);
    EXPECT_TRUE(std::isnan(static_cast<float>(combined(op, Float16(nan), Float16(1.0f)))));
    EXPECT_TRUE(std::isnan(static_cast<float>(combined(op, BFloat16(1.0f), BFloat16(nan)))));
  }
}

TEST(Arithmetic, SmallFloatsRoundToNearestEven) {
  EXPECT_EQ(Float16(2049.0f).bits, Float16(2048.0f).bits);
  EXPECT_EQ(Float16(2051.0f).bits, Float16(2052.0f).bits);
  EXPECT_EQ(BFloat16(257.0f).bits, BFloat16(256.0f).bits);
  EXPECT_EQ(BFloat16(259.0f).bits, BFloat16(260.0f).bits);
  EXPECT_EQ(Float16(65519.0f).bits, Float16(65504.0f).bits);
  EXPECT_EQ(Float16(65520.0f).bits, 0x7c00);
  EXPECT_EQ(Float16(0x1.0p-25f).bits, 0);  // a tie between 0 and the least subnormal
  EXPECT_EQ(Float16(0x1.8p-24f).bits, 2);  // a tie between 1 and 2 of them
  EXPECT_EQ(static_cast<float>(combined(ReduceOp::sum, Float16(2048.0f), Float16(3.0f))), 2052.0f);
}

// Every binary16 comes back from binary32, and the conversion is monotone between neighbours.
TEST(Arithmetic, EveryFloat16SurvivesTheRoundTrip) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const Float16 half = Float16::from_bits(static_cast<std::uint16_t>(bits));
    const float value = static_cast<float>(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(static_cast<float>(Float16(value))));
    } else {
      ASSERT_EQ(Float16(value).bits, bits);
    }
    const BFloat16 brain = BFloat16::from_bits(static_cast<std::uint16_t>(bits));
    if (!std::isnan(static_cast<float>(brain))) {
      ASSERT_EQ(BFloat16(static_cast<float>(brain)).bits, bits);
    }
  }
}

TEST(Arithmetic, ConvertsBothWays) {
  const std::vector<float> values = {0.0f, -1.5f, 3.0e38f, 1.0f / 3.0f};
  std::vector<BFloat16> narrow(4);
  std::vector<float> back(4);
  convert(DType::bf16, reinterpret_cast<std::byte*>(narrow.data()), DType::f32,
          reinterpret_cast<const std::byte*>(values.data()), 4);
  convert(DType::f32, reinterpret_cast<std::byte*>(back.data()), DType::bf16,
          reinterpret_cast<const std::byte*>(narrow.data()), 4);
  EXPECT_EQ(back[1], -1.5f);
  EXPECT_NEAR(back[3], 1.0f / 3.0f, 1.0f / 512);
}

}  // namespace
}  // namespace peal
