// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/transfer/vector_copy.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <numeric>
#include <vector>

#include "peal/executors/shm/transfer/transfer.h"

namespace peal {
namespace {

// With guards on both sides; distances are chosen around those where low bits of addresses meet.
TEST(VectorCopy, CopiesWhatIsAskedForAndNothingElse) {
  constexpr std::size_t page = 4096;
  std::vector<std::byte> from(6 * page), to(6 * page);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::byte>(i * 37 + i / 256);
  for (Stores stores : {Stores::cached, Stores::streaming}) {
    for (std::size_t size : {1u, 63u, 64u, 255u, 511u, 512u, 513u, 600u, 4096u, 4097u, 9999u}) {
      for (std::size_t src : {64u, 65u, 100u}) {
        for (std::size_t dst : {64u, 66u, 79u, 127u, 2111u, 4000u, 4161u}) {
          std::fill(to.begin(), to.end(), std::byte{0xee});
          vector_copy(to.data() + dst, from.data() + src, size, stores);
          ASSERT_EQ(std::memcmp(to.data() + dst, from.data() + src, size), 0)
              << size << " from " << src << " to " << dst;
          for (std::size_t i = 0; i < to.size(); ++i) {
            if (i >= dst && i < dst + size) continue;
            ASSERT_EQ(to[i], std::byte{0xee}) << i;
          }
        }
      }
    }
  }
}

TEST(VectorReduce, StreamingStoresWriteTheSame) {
  constexpr std::size_t most = 3000;
  std::vector<float> a(most + 16), b(most + 16);
  std::iota(a.begin(), a.end(), 0.5f);
  std::iota(b.begin(), b.end(), -7.25f);
  for (std::size_t count : {0u, 1u, 15u, 16u, 17u, 33u, 1000u, 2999u}) {
    for (std::size_t shift : {0u, 1u, 5u, 16u}) {
      for (const auto& [other, streamed] :
           {std::pair{shift, std::size_t{2}}, {shift + 3, 2}, {shift, 1}, {shift + 3, 1}}) {
        std::vector<float> first(most + 64, -1), second(most + 64, -1);
        const std::array<std::byte*, 2> dsts = {reinterpret_cast<std::byte*>(&first[shift]),
                                                reinterpret_cast<std::byte*>(&second[other])};
        const std::array<const std::byte*, 2> srcs = {
            reinterpret_cast<const std::byte*>(a.data() + 1),
            reinterpret_cast<const std::byte*>(b.data())};
        reduce_elements({.dsts = dsts,
                         .srcs = srcs,
                         .count = count,
                         .dtype = DType::f32,
                         .op = ReduceOp::sum,
                         .streamed = streamed});
        for (std::size_t i = 0; i < first.size(); ++i) {
          const bool in_first = i >= shift && i < shift + count;
          const bool in_second = i >= other && i < other + count;
          ASSERT_EQ(first[i], in_first ? a[i - shift + 1] + b[i - shift] : -1.0f);
          ASSERT_EQ(second[i], in_second ? a[i - other + 1] + b[i - other] : -1.0f);
        }
      }
    }
  }
}

}  // namespace
}  // namespace peal
