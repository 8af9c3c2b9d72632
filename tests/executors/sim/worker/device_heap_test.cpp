// SPDX-License-Identifier: Apache-2.0
// Memory of simulated devices that is given back in any order.
#include "peal/executors/sim/worker/device_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/base/random.h"

namespace peal {
namespace {

constexpr std::size_t page = 4096;

std::byte* place(const DeviceHeap& heap, std::size_t offset, int device) {
  return heap.map().translate(heap.map().base, 0, device) + offset;
}

std::size_t take(DeviceHeap& heap, std::size_t size_bytes, const std::vector<int>& devices = {0},
                 const std::string& name = "m") {
  return heap.allocate({.name = name, .devices = devices, .size_bytes = size_bytes});
}

bool is_zero(const std::byte* data, std::size_t size_bytes) {
  return std::all_of(data, data + size_bytes, [](std::byte value) { return value == std::byte{}; });
}

TEST(DeviceHeap, MemoryIsZeroAndAlignedAlsoWhereItWasUsed) {
  DeviceHeap heap(2);
  for (int round = 0; round < 3; ++round) {
    for (std::size_t size : {std::size_t{1}, std::size_t{100}, page, page + 1, 40 * page}) {
      const std::size_t offset = take(heap, size, {0, 1});
      for (int device : {0, 1}) {
        std::byte* const data = place(heap, offset, device);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(data) % 64, 0u);
        EXPECT_TRUE(is_zero(data, size));
        // Also what a program writes behind its memory by mistake must not come up later.
        std::memset(data, 1, size + page);
      }
      heap.free(offset);
    }
  }
  EXPECT_TRUE(heap.allocations().empty());
}

TEST(DeviceHeap, WhatIsGivenBackIsUsedAgain) {
  DeviceHeap heap(1);
  const std::size_t a = take(heap, page), b = take(heap, page), c = take(heap, page);
  heap.free(a);
  EXPECT_EQ(take(heap, 10), a);
  heap.free(b);
  heap.free(a);
  EXPECT_EQ(take(heap, 2 * page), a);  // both together
  heap.free(a);
  heap.free(c);
  EXPECT_EQ(take(heap, 100 * page), a);  // all
}

TEST(DeviceHeap, AnAddressIsFoundOnItsDevicesAlone) {
  DeviceHeap heap(3);
  const std::size_t low = take(heap, 100, {0, 2}, "low"), high = take(heap, page, {1}, "high");
  const std::size_t none = take(heap, 0, {0}, "none");
  const auto name = [&](std::size_t offset, int device) {
    const auto region = heap.find(place(heap, offset, device));
    return region ? region->name : std::string("nothing");
  };
  EXPECT_EQ(name(low, 0), "low");
  EXPECT_EQ(name(low + 99, 2), "low");
  EXPECT_EQ(name(low, 1), "nothing");
  EXPECT_EQ(name(high + page - 1, 1), "high");
  EXPECT_EQ(name(high, 0), "nothing");
  EXPECT_EQ(name(none, 0), "none");
  EXPECT_EQ(heap.find(place(heap, low, 2))->rank, 2);
  EXPECT_TRUE(heap.holds(place(heap, low, 0), 100));
  EXPECT_TRUE(heap.holds(place(heap, low + 99, 0), 1));
  EXPECT_TRUE(heap.holds(place(heap, low + 100, 0), 0));
  EXPECT_FALSE(heap.holds(place(heap, low + 1, 0), 100));
  EXPECT_FALSE(heap.holds(place(heap, low, 0), SIZE_MAX));
  EXPECT_FALSE(heap.holds(place(heap, low, 1), 1));
  int local = 0;
  EXPECT_FALSE(heap.find(&local));
  EXPECT_FALSE(heap.find(nullptr));
  heap.free(low);
  EXPECT_EQ(name(low, 0), "nothing");
}

std::string refusal(DeviceHeap& heap, std::size_t size_bytes) {
  try {
    static_cast<void>(take(heap, size_bytes, {0}, "big"));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(DeviceHeap, WhatDoesNotFitIsRefusedWithTheSizes) {
  DeviceHeap heap(2);
  const std::size_t part = std::size_t{1} << heap.map().part_shift;
  for (std::size_t size : {part + 1, SIZE_MAX}) {
    EXPECT_EQ(refusal(heap, size),
              "`big` of " + std::to_string(size) + " bytes is more than the " +
                  std::to_string(part) +
                  " of a simulated device's memory; use smaller buffers or fewer devices");
  }
  const std::size_t half = take(heap, part / 2);
  EXPECT_EQ(refusal(heap, part / 2).substr(0, 40),
            ("`big` of " + std::to_string(part / 2) + " bytes does not fit into").substr(0, 40));
  heap.free(half);
  EXPECT_EQ(refusal(heap, part / 2), "");
}

TEST(DeviceHeap, RandomAllocationsNeverMeetAndLeaveNothing) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    DeviceHeap heap(2);
    struct Live {
      std::size_t offset, size;
    };
    std::vector<Live> live;
    std::size_t first_free = 0;
    for (int step = 0; step < 300; ++step) {
      if (random.below(5) < 3 || live.empty()) {
        const auto size = static_cast<std::size_t>(random.below(8 * page));
        const std::size_t offset = take(heap, size, {0, 1});
        for (const Live& other : live) {
          ASSERT_TRUE(offset >= other.offset + other.size || other.offset >= offset + size);
        }
        live.push_back({offset, size});
        first_free = std::max(first_free, offset + size);
      } else {
        const auto at = static_cast<std::size_t>(random.below(live.size()));
        heap.free(live[at].offset);
        live.erase(live.begin() + static_cast<long>(at));
      }
      ASSERT_EQ(heap.allocations().size(), live.size());
    }
    for (const Live& each : live) heap.free(each.offset);
    EXPECT_EQ(take(heap, first_free + 1000 * page), 0u);
  }
}

}  // namespace
}  // namespace peal
