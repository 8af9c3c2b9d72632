// SPDX-License-Identifier: Apache-2.0
#include "peal/reference/reference.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace peal::reference {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr Tolerance exactly = {};
constexpr Tolerance rounding = {.absolute = 0, .rounds = true};

// Every rank's elements, and views of them.
template <class T>
struct Rows {
  std::vector<std::vector<T>> rows;

  [[nodiscard]] std::vector<View> views() {
    std::vector<View> result;
    for (std::vector<T>& row : rows) result.push_back(View::of(std::span(row)));
    return result;
  }
};

template <class T>
Comparison compare_all_reduce(Rows<T> send, Rows<T> recv, ReduceOp op, Tolerance tolerance) {
  const std::vector<View> sent = send.views(), received = recv.views();
  return all_reduce({sent, received, sent[0].count}, op, tolerance);
}

// The difference of a single result from what single inputs combine to.
template <class T>
RankDifference difference(const std::vector<T>& inputs, T result, ReduceOp op,
                          Tolerance tolerance = {}) {
  Rows<T> send, recv;
  for (T input : inputs) {
    send.rows.push_back({input});
    recv.rows.push_back({result});
  }
  const Comparison comparison = compare_all_reduce(send, recv, op, tolerance);
  return comparison.ranks.back();
}

TEST(Reference, EveryOperationOfIntegers) {
  const std::vector<std::int32_t> inputs = {7, -2, 3};
  EXPECT_EQ(difference(inputs, 8, ReduceOp::sum).max, 0);
  EXPECT_EQ(difference(inputs, -42, ReduceOp::prod).max, 0);
  EXPECT_EQ(difference(inputs, -2, ReduceOp::min).max, 0);
  EXPECT_EQ(difference(inputs, 7, ReduceOp::max).max, 0);
  EXPECT_EQ(difference(inputs, 6, ReduceOp::max).max, 1);
}

TEST(Reference, IntegersWrapAsTheirTypeDoes) {
  using std::int64_t, std::int8_t, std::uint64_t, std::uint8_t;
  EXPECT_EQ(difference<int8_t>({100, 100, 100}, 44, ReduceOp::sum).max, 0);
  EXPECT_EQ(difference<uint8_t>({16, 17}, 16, ReduceOp::prod).max, 0);
  EXPECT_EQ(difference<std::uint16_t>({65535, 65535}, 1, ReduceOp::prod).max, 0);
  EXPECT_EQ(difference<std::int16_t>({32767, 2}, -32767, ReduceOp::sum).max, 0);
  constexpr int64_t most = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(difference<int64_t>({most, 1}, std::numeric_limits<int64_t>::min(), ReduceOp::sum).max,
            0);
  EXPECT_EQ(difference<int64_t>({most, most}, 1, ReduceOp::prod).max, 0);
}

TEST(Reference, DifferencesOf64BitIntegersAreTrue) {
  using std::int64_t, std::uint64_t;
  constexpr uint64_t most = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(difference<uint64_t>({most}, most - 1, ReduceOp::sum).max, 1);
  EXPECT_EQ(difference<uint64_t>({most}, 0, ReduceOp::sum).max, 0x1p64);
  constexpr int64_t high = std::numeric_limits<int64_t>::max();
  constexpr int64_t low = std::numeric_limits<int64_t>::min();
  const RankDifference opposite = difference<int64_t>({low}, high, ReduceOp::max);
  EXPECT_EQ(opposite.max, 0x1p64);
  EXPECT_EQ(opposite.mismatch->value, "9223372036854775807");
  EXPECT_EQ(opposite.mismatch->expected, "-9223372036854775808");
}

TEST(Reference, NanPropagatesAndInfinitiesMustAgree) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float inf = std::numeric_limits<float>::infinity();
  for (ReduceOp op : all_reduce_ops) {
    EXPECT_EQ(difference<float>({1, nan, 2}, nan, op).max, 0) << name(op);
    EXPECT_EQ(difference<float>({1, nan, 2}, 1, op).max, infinity) << name(op);
    EXPECT_EQ(difference<float>({1, 2}, nan, op, rounding).max, infinity) << name(op);
  }
  EXPECT_EQ(difference<float>({1, inf}, inf, ReduceOp::sum, rounding).max, 0);
  EXPECT_TRUE(difference<float>({1, inf}, -inf, ReduceOp::sum, rounding).mismatch);
  EXPECT_TRUE(difference<float>({1, inf}, 1, ReduceOp::sum, rounding).mismatch);
  EXPECT_TRUE(difference<float>({1, nan}, 1, ReduceOp::sum, rounding).mismatch);
  EXPECT_FALSE(difference<float>({inf, -inf}, nan, ReduceOp::sum, rounding).mismatch);
}

TEST(Reference, ATypeThatOverflowsMayGiveInfinity) {
  const auto inf = Float16(std::numeric_limits<float>::infinity());
  const auto big = Float16(60000.0f), small = Float16(1.0f);
  EXPECT_FALSE(difference({big, big}, inf, ReduceOp::sum, rounding).mismatch);
  EXPECT_FALSE(difference({big, big, Float16(-60000.0f)}, inf, ReduceOp::sum, rounding).mismatch);
  EXPECT_TRUE(difference({big, big}, Float16(65504.0f), ReduceOp::sum, rounding).mismatch);
  EXPECT_TRUE(difference({big, small}, inf, ReduceOp::sum, rounding).mismatch);
  EXPECT_TRUE(difference({big, big}, inf, ReduceOp::sum, exactly).mismatch);
}

TEST(Reference, RoundingIsAllowedWhatItCanDo) {
  const std::vector<float> inputs = {1, -1, 1, -1};  // the allowance is 4 x 2^-24 x 4
  EXPECT_FALSE(difference<float>(inputs, 0x1p-20f, ReduceOp::sum, rounding).mismatch);
  EXPECT_TRUE(difference<float>(inputs, 0x1.1p-20f, ReduceOp::sum, rounding).mismatch);
  EXPECT_EQ(difference<float>(inputs, 0x1.1p-20f, ReduceOp::sum, rounding).max, 0x1.1p-20);
  EXPECT_FALSE(difference<float>({3, 5}, 15 + 0x1p-20f, ReduceOp::prod, rounding).mismatch);
  EXPECT_TRUE(difference<float>({3, 5}, 15 + 0x1p-18f, ReduceOp::prod, rounding).mismatch);
  // Halves of the smallest number round to nothing or to all of it.
  const auto tiny = Float16::from_bits(1);
  EXPECT_FALSE(difference({tiny, Float16(0.5f)}, Float16(), ReduceOp::prod, rounding).mismatch);
  EXPECT_TRUE(difference({tiny, Float16(0.5f)}, Float16(1.0f), ReduceOp::prod, rounding).mismatch);
}

TEST(Reference, TolerancesFollowFromTypeAndOperation) {
  for (DType dtype : all_dtypes) {
    for (ReduceOp op : all_reduce_ops) {
      const bool combines = op == ReduceOp::sum || op == ReduceOp::prod;
      const Tolerance any = reduction_tolerance(dtype, op, Inputs::any);
      EXPECT_EQ(any.rounds, is_float(dtype) && combines);
      EXPECT_EQ(any.absolute, 0);
      const Tolerance exact = reduction_tolerance(dtype, op, Inputs::exact);
      EXPECT_FALSE(exact.rounds);
      EXPECT_EQ(exact.absolute, dtype == DType::f32 && combines ? 1e-3 : 0);
    }
  }
}

TEST(Reference, NamesTheFirstElementAndTheLargestDifference) {
  Rows<float> send{{std::vector<float>(10000, 1), std::vector<float>(10000, 2)}};
  Rows<float> recv{{std::vector<float>(10000, 3), std::vector<float>(10000, 3)}};
  recv.rows[1][5000] = 3.0005f;
  recv.rows[1][6000] = 4;
  recv.rows[1][9999] = -7.5;
  const Comparison comparison =
      compare_all_reduce(send, recv, ReduceOp::sum, {.absolute = 1e-3, .rounds = false});
  EXPECT_FALSE(comparison.equal());
  EXPECT_EQ(comparison.tolerance, 1e-3);
  EXPECT_EQ(comparison.ranks[0].max, 0);
  EXPECT_FALSE(comparison.ranks[0].mismatch);
  EXPECT_EQ(comparison.ranks[1].max, 10.5);
  EXPECT_EQ(comparison.ranks[1].mismatch->element, 6000u);
  EXPECT_EQ(comparison.ranks[1].mismatch->value, "4");
  EXPECT_EQ(comparison.ranks[1].mismatch->expected, "3");
}

// Two ranks with blocks of two elements; rank r's element i is 10 r + i.
struct TwoRanks {
  Rows<int> send{{{0, 1, 2, 3}, {10, 11, 12, 13}}};
  Rows<int> recv;
  std::vector<View> sent, received;

  Buffers buffers(std::size_t send_length, std::vector<std::vector<int>> results) {
    for (std::vector<int>& row : send.rows) row.resize(send_length);
    recv.rows = std::move(results);
    sent = send.views();
    received = recv.views();
    return {sent, received, 2};
  }
};

TEST(Reference, EveryCollectiveMovesTheRightBlocks) {
  TwoRanks t;
  EXPECT_TRUE(reduce_scatter(t.buffers(4, {{10, 12}, {14, 16}}), ReduceOp::sum, {}).equal());
  EXPECT_TRUE(scatter(t.buffers(4, {{10, 11}, {12, 13}}), 1).equal());
  EXPECT_TRUE(all_to_all(t.buffers(4, {{0, 1, 10, 11}, {2, 3, 12, 13}})).equal());
  EXPECT_TRUE(all_gather(t.buffers(2, {{0, 1, 10, 11}, {0, 1, 10, 11}})).equal());
  EXPECT_TRUE(gather(t.buffers(2, {{-1, -1, -1, -1}, {0, 1, 10, 11}}), 1).equal());
  EXPECT_TRUE(broadcast(t.buffers(2, {{10, 11}, {10, 11}}), 1).equal());
  EXPECT_TRUE(reduce(t.buffers(2, {{10, 12}, {-1, -1}}), ReduceOp::sum, 0, {}).equal());
  EXPECT_TRUE(all_reduce(t.buffers(2, {{10, 12}, {10, 12}}), ReduceOp::sum, {}).equal());
}

TEST(Reference, EveryCollectiveNoticesAWrongElement) {
  TwoRanks t;
  const auto mismatch = [](const Comparison& comparison) {
    return comparison.ranks[1].mismatch ? static_cast<int>(comparison.ranks[1].mismatch->element)
                                        : -1;
  };
  EXPECT_EQ(mismatch(reduce_scatter(t.buffers(4, {{10, 12}, {14, 1}}), ReduceOp::sum, {})), 1);
  EXPECT_EQ(mismatch(scatter(t.buffers(4, {{10, 11}, {13, 12}}), 1)), 0);
  EXPECT_EQ(mismatch(all_to_all(t.buffers(4, {{0, 1, 10, 11}, {2, 3, 12, 99}}))), 3);
  EXPECT_EQ(mismatch(all_gather(t.buffers(2, {{0, 1, 10, 11}, {0, 1, 99, 11}}))), 2);
  EXPECT_EQ(mismatch(gather(t.buffers(2, {{0, 1, 10, 11}, {0, 1, 10, 10}}), 1)), 3);
  EXPECT_EQ(mismatch(broadcast(t.buffers(2, {{10, 11}, {10, 12}}), 1)), 1);
  EXPECT_EQ(mismatch(reduce(t.buffers(2, {{0, 0}, {10, 13}}), ReduceOp::sum, 1, {})), 1);
  EXPECT_EQ(mismatch(all_reduce(t.buffers(2, {{10, 12}, {0, 12}}), ReduceOp::sum, {})), 0);
}

TEST(Reference, NothingIsEqualToNothing) {
  Rows<double> empty{{{}, {}, {}}};
  const std::vector<View> views = empty.views();
  EXPECT_TRUE(all_reduce({views, views, 0}, ReduceOp::prod, rounding).equal());
  EXPECT_TRUE(all_to_all({views, views, 0}).equal());
}

TEST(Reference, ViewsNeedNotBeAligned) {
  std::vector<std::byte> bytes(2 * 8 + 1);
  const double value = 2.5;
  std::memcpy(bytes.data() + 1, &value, 8);
  std::memcpy(bytes.data() + 9, &value, 8);
  const View view{bytes.data() + 1, 2, DType::f64};
  EXPECT_TRUE(broadcast({std::span(&view, 1), std::span(&view, 1), 2}, 0).equal());
}

}  // namespace
}  // namespace peal::reference
