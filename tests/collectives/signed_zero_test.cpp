// SPDX-License-Identifier: Apache-2.0
// -0 is less than +0 in min and max, so all ranks have the same bits by every algorithm.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/collectives/collectives.h"
#include "peal/collectives/registry.h"
#include "peal/launch/launch.h"
#include "peal/machine/arithmetic.h"

namespace peal {
namespace {

constexpr DType float_types[] = {DType::f32, DType::f64, DType::f16, DType::bf16};

// Zero, with a sign.
void store_zero(std::byte* at, DType dtype, bool is_negative) {
  const std::size_t size = size_bytes(dtype);
  std::memset(at, 0, size);
  if (is_negative) at[size - 1] = std::byte{0x80};
}
bool is_zero(const std::byte* at, DType dtype, bool is_negative) {
  std::byte expected[8];
  store_zero(expected, dtype, is_negative);
  return std::memcmp(at, expected, size_bytes(dtype)) == 0;
}

// Element i is -0 on the ranks whose bit of it is set.
bool gives_negative(int rank, std::size_t i) { return (i >> rank & 1) != 0; }
bool expects_negative(int ranks, std::size_t i, ReduceOp op) {
  bool any = false, all = true;
  for (int rank = 0; rank < ranks; ++rank) {
    any = any || gives_negative(rank, i);
    all = all && gives_negative(rank, i);
  }
  return op == ReduceOp::min ? any : all;
}

void check(Team& team, const Algorithm& algorithm, DType dtype, ReduceOp op, std::size_t count) {
  const CollectiveShape blocks = shape(algorithm.collective, team.size());
  const std::size_t size = size_bytes(dtype);
  const auto sends = count * static_cast<std::size_t>(blocks.send_blocks);
  View send = team.allocate(sends, dtype), recv = team.allocate(count, dtype);
  for (std::size_t i = 0; i < sends; ++i) {
    store_zero(send.data + i * size, dtype, gives_negative(team.rank(), i % count));
  }
  run_collective(team, {.collective = algorithm.collective,
                        .send = send,
                        .recv = recv,
                        .op = op,
                        .algorithm = algorithm.name});
  if (!receives(algorithm.collective, team.rank(), 0)) return;
  for (std::size_t i = 0; i < count; ++i) {
    if (is_zero(recv.data + i * size, dtype, expects_negative(team.size(), i, op))) continue;
    throw RunError(fmt::format("{} {} of {} {} on {} ranks: element {} of {} has the wrong sign",
                               name(algorithm.collective), algorithm.name, name(op), name(dtype),
                               team.size(), i, count));
  }
}

class SignedZero : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Platforms, SignedZero, testing::Values("shm", "hostsim"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(SignedZero, HasTheSameSignByEveryAlgorithm) {
  for (int ranks : {2, 3, 4}) {
    const auto program = [](Team& team) {
      for (const Algorithm& algorithm : algorithms()) {
        if (!shape(algorithm.collective, team.size()).has_op) continue;
        for (DType dtype : float_types) {
          for (ReduceOp op : {ReduceOp::min, ReduceOp::max}) {
            for (std::size_t count : {3, 64, 231}) check(team, algorithm, dtype, op, count);
          }
        }
      }
    };
    EXPECT_NO_THROW(open_executor(GetParam())->run(ranks, program, {}));
  }
}

// Long enough for stores past the caches, and for the ends of vectors.
TEST(SignedZero, HasTheSameSignInLongVectors) {
  const auto program = [](Team& team) {
    const Algorithm& algorithm = find_algorithm(Collective::all_reduce, "two_phase");
    for (DType dtype : float_types) {
      check(team, algorithm, dtype, ReduceOp::min, 1'000'003);
      check(team, algorithm, dtype, ReduceOp::max, 70'001);
    }
  };
  EXPECT_NO_THROW(open_executor("shm")->run(2, program, {}));
}

TEST(SignedZero, IsCombinedInEitherOrder) {
  for (DType dtype : float_types) {
    for (int signs = 0; signs < 4; ++signs) {
      std::byte left[8], right[8], result[8];
      store_zero(left, dtype, (signs & 1) != 0);
      store_zero(right, dtype, (signs & 2) != 0);
      combine(dtype, ReduceOp::min, result, left, right, 1);
      EXPECT_TRUE(is_zero(result, dtype, signs != 0)) << name(dtype) << signs;
      combine(dtype, ReduceOp::max, result, left, right, 1);
      EXPECT_TRUE(is_zero(result, dtype, signs == 3)) << name(dtype) << signs;
    }
  }
}

}  // namespace
}  // namespace peal
