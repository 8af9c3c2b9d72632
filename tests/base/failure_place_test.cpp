// SPDX-License-Identifier: Apache-2.0
#include "peal/base/failure_place.h"

#include <gtest/gtest.h>

#include "peal/run/kernel_failure.h"

namespace peal {
namespace {

TEST(FailurePlace, IsSaidAsFarAsItIsKnown) {
  EXPECT_EQ(describe(FailurePlace{}), "");
  EXPECT_EQ(describe(FailurePlace::at({"a.cpp", 7})), "a.cpp:7");
  EXPECT_EQ(describe(FailurePlace::after({"a.cpp", 7})), "after a.cpp:7");
  EXPECT_EQ(describe(FailurePlace{.file = "a.cpp"}), "a.cpp");
  EXPECT_EQ(describe(FailurePlace{.address = 0x1f}), "address 0x1f");
  EXPECT_FALSE(FailurePlace::after({}).is_known());
}

// A colon and a number in a file's name, or in what has happened, are not taken for a line.
TEST(KernelFailure, CarriesItsPlaceAsFields) {
  const KernelFailure failure(KernelFailure::Kind::other, 1, 2, "it fails at b.cpp:9",
                              FailurePlace::after({"a:3.cpp", 7}));
  EXPECT_EQ(failure.place().file, "a:3.cpp");
  EXPECT_EQ(failure.place().line, 7u);
  EXPECT_STREQ(failure.what(),
               "kernel error on rank 1 core 2: it fails at b.cpp:9   after a:3.cpp:7");
  const KernelFailure nowhere(KernelFailure::Kind::other, -1, -1, "it fails", {});
  EXPECT_STREQ(nowhere.what(), "kernel error: it fails");
}

}  // namespace
}  // namespace peal
