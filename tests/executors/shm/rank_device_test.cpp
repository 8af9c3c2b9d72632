// SPDX-License-Identifier: Apache-2.0
// put_reduce of real ranks: dst = dst op src in a peer's window, atomic for each element.
#include "peal/executors/shm/rank_device.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/executors/shm/executor.h"
#include "peal/launch/platforms.h"
#include "peal/machine/barrier.h"
#include "tests/support/collective_case.h"

namespace peal::tests {
namespace {

constexpr std::byte untouched{0x5a};

// Views of `count` elements that begin one element behind the start of memory, so that they are
// aligned to their elements and to nothing more.
struct Ragged {
  View memory, view;
};
Ragged ragged(const View& bytes, std::size_t count, DType dtype) {
  const View memory{bytes.data, count + 2, dtype};
  return {memory, memory.part(1, count)};
}

// Every rank combines its input into the window of the last one, which holds a further input.
// Empty, or what is wrong there.
std::string reduced_into_a_window(Team& team, const SignalRow& rounds, const View& window,
                                  DType dtype, ReduceOp op, std::size_t count) {
  const CollectiveCase test{.collective = Collective::reduce,
                            .ranks = team.size() + 1,
                            .count = count,
                            .dtype = dtype,
                            .op = op};
  const Rank owner{team.size() - 1};
  const auto [memory, sum] = ragged(window, count, dtype);
  std::fill_n(memory.data, memory.size_bytes(), untouched);
  const std::vector<std::byte> held = make_buffers(test, team.size()).send;
  std::copy(held.begin(), held.end(), sum.data);
  barrier(team.device(), rounds);
  std::vector<std::byte> input = make_buffers(test, team.rank()).send;
  team.device().put_reduce(owner, sum, {input.data(), count, dtype}, op);
  barrier(team.device(), rounds);
  if (team.rank() != owner.index) return "";
  const auto is_spoilt = [](std::byte byte) { return byte != untouched; };
  if (std::any_of(memory.data, sum.data, is_spoilt) ||
      std::any_of(sum.data + sum.size_bytes(), memory.data + memory.size_bytes(), is_spoilt)) {
    return test.describe() + ": an element beside the destination is written";
  }
  return difference(test, 0, {.send = {}, .recv = {sum.data, sum.data + sum.size_bytes()}});
}

TEST(PutReduce, IsRightForEveryTypeOperationAndCount) {
  ShmExecutor executor(load_platform("host"));
  constexpr std::size_t counts[] = {0, 1, 3, 17, 1001};
  for (const int ranks : {1, 3}) {
    const std::string text = run_texts(executor, ranks, [&](Team& team) {
      const SignalRow rounds =
          team.device().allocate_signals("rounds", std::max(1, barrier_rounds(ranks)));
      const View window = team.allocate((counts[4] + 2) * sizeof(double), DType::u8);
      std::string first;
      for (const DType dtype : all_dtypes) {
        for (const ReduceOp op : all_reduce_ops) {
          for (const std::size_t count : counts) {
            const std::string wrong = reduced_into_a_window(team, rounds, window, dtype, op, count);
            if (first.empty()) first = wrong;
          }
        }
      }
      return first;
    });
    EXPECT_EQ(text, "");
  }
}

// The program of one rank, which is a thread of this process.
void on_one_rank(const std::function<void(Device&)>& program) {
  ShmExecutor(load_platform("host"), ShmExecutor::Ranks::threads)
      .run(1, [&](Team& team) { program(team.device()); }, {});
}

template <class T>
std::vector<T> put_reduced(Device& self, ReduceOp op, std::vector<T> dst, std::vector<T> src) {
  self.put_reduce(Rank{0}, View::of(std::span(dst)), View::of(std::span(src)), op);
  return dst;
}

TEST(PutReduce, ComparesAndWrapsAsTheTypeDoes) {
  on_one_rank([](Device& self) {
    using Bytes = std::vector<std::int8_t>;
    using UnsignedBytes = std::vector<std::uint8_t>;
    using Longs = std::vector<std::int64_t>;
    EXPECT_EQ(put_reduced(self, ReduceOp::min, Bytes{-1, 1}, {1, -1}), (Bytes{-1, -1}));
    EXPECT_EQ(put_reduced(self, ReduceOp::max, Bytes{-1, 1}, {1, -1}), (Bytes{1, 1}));
    EXPECT_EQ(put_reduced(self, ReduceOp::sum, Bytes{127, -128}, {1, -1}), (Bytes{-128, 127}));
    EXPECT_EQ(put_reduced(self, ReduceOp::min, UnsignedBytes{255, 1}, {1, 255}),
              (UnsignedBytes{1, 1}));
    EXPECT_EQ(put_reduced(self, ReduceOp::max, UnsignedBytes{255, 1}, {1, 255}),
              (UnsignedBytes{255, 255}));
    EXPECT_EQ(put_reduced(self, ReduceOp::prod, UnsignedBytes{16, 3}, {16, 5}),
              (UnsignedBytes{0, 15}));
    constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
    EXPECT_EQ(put_reduced(self, ReduceOp::prod, Longs{lowest, 3}, {-1, -5}), (Longs{lowest, -15}));
    EXPECT_EQ(put_reduced(self, ReduceOp::max, Longs{lowest, 0}, {0, lowest}), (Longs{0, 0}));
  });
}

TEST(PutReduce, KeepsTheRulesOfFloats) {
  on_one_rank([](Device& self) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (const ReduceOp op : all_reduce_ops) {
      const std::vector<float> result = put_reduced<float>(self, op, {nan, 1}, {1, nan});
      EXPECT_TRUE(std::isnan(result[0]) && std::isnan(result[1])) << name(op);
    }
    const std::vector<double> least =
        put_reduced<double>(self, ReduceOp::min, {0., -0.}, {-0., 0.});
    EXPECT_TRUE(std::signbit(least[0]) && std::signbit(least[1]));
    const std::vector<double> greatest =
        put_reduced<double>(self, ReduceOp::max, {0., -0.}, {-0., 0.});
    EXPECT_FALSE(std::signbit(greatest[0]) || std::signbit(greatest[1]));
    // Rounded to nearest even: 2051 has no f16, 259 no bf16.
    const auto half =
        put_reduced<Float16>(self, ReduceOp::sum, {Float16(2048.0F)}, {Float16(3.0F)});
    EXPECT_EQ(static_cast<float>(half[0]), 2052);
    const auto brain =
        put_reduced<BFloat16>(self, ReduceOp::sum, {BFloat16(256.0F)}, {BFloat16(3.0F)});
    EXPECT_EQ(static_cast<float>(brain[0]), 260);
  });
}

// All ranks multiply the same elements at the same time. Elements of 1 and 2 bytes share words.
template <class T>
std::string multiplied_at_once(Team& team, const SignalRow& rounds, T factor, int times) {
  constexpr std::size_t count = 5;
  const View product = team.allocate(count, DTypeOf<T>::value);
  auto* const elements = reinterpret_cast<T*>(product.data);
  std::fill_n(elements, count, T(1));
  std::vector<T> factors(count, factor);
  factors[1] = T(1);
  barrier(team.device(), rounds);
  for (int i = 0; i < times; ++i) {
    team.device().put_reduce(Rank{0}, product, View::of(std::span(factors)), ReduceOp::prod);
  }
  barrier(team.device(), rounds);
  if (team.rank() != 0) return "";
  T expected(1);
  for (int i = 0; i < times * team.size(); ++i) {
    expected =
        static_cast<T>(static_cast<std::uint64_t>(expected) * static_cast<std::uint64_t>(factor));
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (elements[i] != (i == 1 ? T(1) : expected)) {
      return fmt::format("element {} of {} is {}", i, name(product.dtype), elements[i]);
    }
  }
  return "";
}

TEST(PutReduce, LosesNothingOfRanksThatCombineAtOnce) {
  ShmExecutor executor(load_platform("host"));
  const std::string text = run_texts(executor, 4, [](Team& team) {
    const SignalRow rounds = team.device().allocate_signals("rounds", barrier_rounds(4));
    const std::string texts[] = {multiplied_at_once<std::uint8_t>(team, rounds, 3, 1001),
                                 multiplied_at_once<std::uint16_t>(team, rounds, 3, 1001),
                                 multiplied_at_once<std::uint32_t>(team, rounds, 3, 1001),
                                 multiplied_at_once<std::uint64_t>(team, rounds, 3, 1001)};
    for (const std::string& wrong : texts) {
      if (!wrong.empty()) return wrong;
    }
    return std::string();
  });
  EXPECT_EQ(text, "");
}

std::string refusal_to_put_reduce(Device& self, const View& dst, const View& src) {
  try {
    self.put_reduce(Rank{0}, dst, src, ReduceOp::max);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "none";
}

TEST(PutReduce, ADestinationThatIsNotAlignedToItsElementsIsRefused) {
  ShmExecutor executor(load_platform("host"));
  const std::string text = run_texts(executor, 2, [](Team& team) -> std::string {
    const View window = team.allocate(64, DType::u8);
    std::vector<std::byte> source(64, std::byte{1});
    for (const DType dtype : all_dtypes) {
      const std::size_t element = size_bytes(dtype);
      const std::string expected = fmt::format(
          "put_reduce on rank {}: the destination is not aligned to its elements of {} bytes, "
          "which are combined one by one; align it",
          team.rank(), element);
      for (std::size_t shift = 0; shift < 2 * element; ++shift) {
        const std::string refusal = refusal_to_put_reduce(
            team.device(), {window.data + shift, 3, dtype}, {source.data(), 3, dtype});
        if (refusal != (shift % element == 0 ? "none" : expected)) {
          return fmt::format("{} at {}: {}", name(dtype), shift, refusal);
        }
      }
    }
    return "";
  });
  EXPECT_EQ(text, "");
}

TEST(PutReduce, ASourceMayLieAnywhere) {
  on_one_rank([](Device& self) {
    std::vector<std::byte> bytes(17);
    const double values[] = {-3, 7};
    std::memcpy(bytes.data() + 1, values, sizeof(values));
    std::vector<double> sums = {1, 2};
    self.put_reduce(Rank{0}, View::of(std::span(sums)), {bytes.data() + 1, 2, DType::f64},
                    ReduceOp::sum);
    EXPECT_EQ(sums, (std::vector<double>{-2, 9}));
  });
}

TEST(PutReduce, OnlyWindowsOfPeersCanBeDestinations) {
  ShmExecutor executor(load_platform("host"));
  const std::string text = run_texts(executor, 2, [](Team& team) {
    std::vector<float> mine(4), source(4);
    const std::string refusal = refusal_to_put_reduce(team.device(), View::of(std::span(mine)),
                                                      View::of(std::span(source)));
    if (team.rank() == 0) return refusal == "none" ? std::string() : refusal;
    return refusal ==
                   "put_reduce on rank 1: 4 elements of rank 0's memory are not in a window; "
                   "allocate them with Team::allocate or Device::allocate"
               ? std::string()
               : refusal;
  });
  EXPECT_EQ(text, "");
}

}  // namespace
}  // namespace peal::tests
