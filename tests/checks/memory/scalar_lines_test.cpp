// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/memory/scalar_lines.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>

namespace peal {
namespace {

constexpr std::uint64_t line = 4096;

TEST(ScalarLines, BytesOutsideOfTheLineDoNotCount) {
  EXPECT_EQ(bytes_in_line(line, line - 64, line), 0u);
  EXPECT_EQ(bytes_in_line(line, line + 64, line + 128), 0u);
  EXPECT_EQ(bytes_in_line(line, line + 5, line + 5), 0u);
  EXPECT_EQ(bytes_in_line(line, line, line + 64), ~std::uint64_t{0});
  EXPECT_EQ(bytes_in_line(line, line - 100, line + 1000), ~std::uint64_t{0});
  EXPECT_EQ(bytes_in_line(line, line + 60, line + 70), std::uint64_t{0xF} << 60);
}

RC_GTEST_PROP(ScalarLines, RunsAreTheSet, (std::uint64_t bytes)) {
  std::uint64_t together = 0, last = line;
  bool is_first = true;
  for_each_run(line, bytes, [&](std::uint64_t begin, std::uint64_t end) {
    RC_ASSERT(begin < end);
    RC_ASSERT(is_first || begin > last);  // runs that touch would be one
    is_first = false;
    last = end;
    together |= bytes_in_line(line, begin, end);
  });
  RC_ASSERT(together == bytes);
}

}  // namespace
}  // namespace peal
