// SPDX-License-Identifier: Apache-2.0
#include "peal/chip/core/store_window.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace peal {
namespace {

TEST(StoreWindow, StoresMayBecomeVisibleOutOfOrder) {
  StoreWindow stores;
  for (std::uint32_t number = 0; number < 3; ++number) EXPECT_EQ(stores.execute(), number);
  EXPECT_FALSE(stores.see(1, 30)) << "store 0 is still invisible";
  EXPECT_FALSE(stores.has_seen(1));
  EXPECT_TRUE(stores.see(0, 20));
  EXPECT_TRUE(stores.has_seen(2));
  EXPECT_FALSE(stores.has_seen(3));
  EXPECT_TRUE(stores.has_invisible());
  EXPECT_TRUE(stores.see(2, 25));
  EXPECT_FALSE(stores.has_invisible());
  EXPECT_EQ(stores.last_visible(), 30) << "the latest time, not the last one reported";
}

TEST(StoreWindow, IsFullWith64StoresInFlight) {
  StoreWindow stores;
  for (int store = 0; store < 64; ++store) {
    EXPECT_FALSE(stores.is_full());
    (void)stores.execute();
  }
  EXPECT_TRUE(stores.is_full());
  for (std::uint32_t number = 63; number > 0; --number) EXPECT_FALSE(stores.see(number, 1));
  EXPECT_TRUE(stores.is_full());
  EXPECT_TRUE(stores.see(0, 1));
  EXPECT_FALSE(stores.has_invisible());
  EXPECT_EQ(stores.execute(), 64u);
}

}  // namespace
}  // namespace peal
