// SPDX-License-Identifier: Apache-2.0
#include "peal/tools/fill.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <set>
#include <span>
#include <type_traits>
#include <vector>

#include "peal/machine/arithmetic.h"
#include "peal/machine/dtype.h"

namespace peal {
namespace {

constexpr std::size_t count = 1000;

std::vector<std::byte> filled(const Fill& fill, DType dtype, int rank, std::uint64_t call = 0) {
  std::vector<std::byte> bytes(count * size_bytes(dtype));
  fill.apply(rank, call, {bytes.data(), count, dtype});
  return bytes;
}

template <class T>
std::vector<T> elements(const Fill& fill, int rank, std::uint64_t call = 0) {
  std::vector<T> result(count);
  fill.apply(rank, call, View::of(std::span(result)));
  return result;
}

// As every type can be widened to without loss in these tests.
std::vector<double> widened(const std::vector<std::byte>& bytes, DType dtype) {
  std::vector<double> result;
  with_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::size_t i = 0; i < count; ++i) {
      T element;
      std::memcpy(&element, bytes.data() + i * sizeof(T), sizeof(T));
      if constexpr (std::is_arithmetic_v<T>) {
        result.push_back(static_cast<double>(element));
      } else {
        result.push_back(static_cast<double>(static_cast<float>(element)));
      }
    }
  });
  return result;
}

TEST(Fill, TheRampIsElementPlusHundredTimesRank) {
  const Fill fill{.ranks = 4, .op = ReduceOp::sum};
  const std::vector<float> row = elements<float>(fill, 3);
  for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(row[i], static_cast<float>(i + 300));
  EXPECT_EQ(elements<std::int64_t>(fill, 3)[999], 1299);
  EXPECT_EQ(elements<std::int8_t>(fill, 1)[30], (30 + 100) % 127);
}

TEST(Fill, TheRampsResultIsExactInEveryOrder) {
  for (DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    for (ReduceOp op : {ReduceOp::sum, ReduceOp::prod}) {
      for (int ranks : {1, 2, 3, 8, 33, 127, 128, 200, 255, 256, 257, 1000, 2500}) {
        const Fill fill{.ranks = ranks, .op = op};
        std::vector<std::byte> up = filled(fill, dtype, 0), down = filled(fill, dtype, ranks - 1);
        std::vector<double> truth = widened(up, dtype);
        for (int rank = 1; rank < ranks; ++rank) {
          const std::vector<std::byte> row = filled(fill, dtype, rank);
          const std::vector<double> values = widened(row, dtype);
          for (std::size_t i = 0; i < count; ++i) {
            truth[i] = op == ReduceOp::sum ? truth[i] + values[i] : truth[i] * values[i];
          }
          combine(dtype, op, up.data(), up.data(), row.data(), count);
          const std::vector<std::byte> other = filled(fill, dtype, ranks - 1 - rank);
          combine(dtype, op, down.data(), down.data(), other.data(), count);
        }
        EXPECT_EQ(widened(up, dtype), truth) << name(dtype) << " " << name(op) << " " << ranks;
        EXPECT_EQ(widened(down, dtype), truth) << name(dtype) << " " << name(op) << " " << ranks;
      }
    }
  }
}

TEST(Fill, NoTwoRanksAreAlike) {
  for (DType dtype : all_dtypes) {
    for (ReduceOp op : all_reduce_ops) {
      for (int ranks : {2, 3, 4, 5, 8, 33, 100, 200}) {
        std::set<std::vector<std::byte>> rows;
        const Fill fill{.ranks = ranks, .op = op};
        for (int rank = 0; rank < ranks; ++rank) rows.insert(filled(fill, dtype, rank));
        const bool few = ranks > 127 && size_bytes(dtype) == 1 && op != ReduceOp::prod;
        EXPECT_TRUE(few || rows.size() == static_cast<std::size_t>(ranks))
            << name(dtype) << " " << name(op) << " " << ranks << ": " << rows.size();
      }
    }
  }
}

TEST(Fill, AProductIsAPowerOfTwoUpTo16) {
  for (int ranks : {1, 2, 5, 33}) {
    const Fill fill{.ranks = ranks, .op = ReduceOp::prod};
    std::set<int> products;
    std::vector<std::uint8_t> product(count, 1);
    for (int rank = 0; rank < ranks; ++rank) {
      const std::vector<std::uint8_t> row = elements<std::uint8_t>(fill, rank);
      for (std::size_t i = 0; i < count; ++i) {
        EXPECT_TRUE(row[i] == 1 || row[i] == 2);
        product[i] = static_cast<std::uint8_t>(product[i] * row[i]);
      }
    }
    products.insert(product.begin(), product.end());
    EXPECT_EQ(products.size(), static_cast<std::size_t>(std::min(ranks, 4) + 1));
    EXPECT_EQ(*products.rbegin(), 1 << std::min(ranks, 4));
  }
}

TEST(Fill, EveryCallHasOtherElements) {
  for (Fill::Kind kind : {Fill::Kind::ramp, Fill::Kind::rand}) {
    for (DType dtype : all_dtypes) {
      for (ReduceOp op : all_reduce_ops) {
        const Fill fill{.kind = kind, .seed = 5, .ranks = 33, .op = op};
        EXPECT_NE(filled(fill, dtype, 2, 0), filled(fill, dtype, 2, 1)) << name(dtype) << name(op);
      }
    }
  }
}

TEST(Fill, RandomFloatsKeepTheirRange) {
  for (DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16}) {
    const Fill fill{.kind = Fill::Kind::rand, .seed = 1, .ranks = 2, .op = ReduceOp::sum};
    const Fill product{.kind = Fill::Kind::rand, .seed = 1, .ranks = 2, .op = ReduceOp::prod};
    double low = 2, high = -2, sum = 0;
    for (double value : widened(filled(fill, dtype, 0), dtype)) {
      EXPECT_TRUE(value >= -1 && value < 1) << value;
      low = std::min(low, value);
      high = std::max(high, value);
      sum += value;
    }
    EXPECT_LT(low, -0.9);
    EXPECT_GT(high, 0.9);
    EXPECT_LT(std::abs(sum), 100);
    for (double value : widened(filled(product, dtype, 0), dtype)) {
      EXPECT_TRUE(value >= 0.5 && value < 1.5) << value;
    }
  }
}

TEST(Fill, RandomElementsFollowSeedRankAndIndexAlone) {
  const Fill two{.kind = Fill::Kind::rand, .seed = 9, .ranks = 2, .op = std::nullopt};
  const Fill many{.kind = Fill::Kind::rand, .seed = 9, .ranks = 50, .op = ReduceOp::sum};
  const Fill other{.kind = Fill::Kind::rand, .seed = 10, .ranks = 2, .op = std::nullopt};
  EXPECT_EQ(elements<float>(two, 1), elements<float>(many, 1));
  EXPECT_NE(elements<float>(two, 1), elements<float>(two, 0));
  EXPECT_NE(elements<float>(two, 1), elements<float>(other, 1));
  const std::vector<std::int32_t> integers = elements<std::int32_t>(two, 0);
  EXPECT_LT(*std::min_element(integers.begin(), integers.end()), -2000000000);
  EXPECT_GT(*std::max_element(integers.begin(), integers.end()), 2000000000);
}

}  // namespace
}  // namespace peal
