// SPDX-License-Identifier: Apache-2.0
#include "peal/cases/case_call.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/cases/case_file.h"
#include "tests/support/case_folder.h"

namespace peal {
namespace {

class CaseCallTest : public testing::Test {
 protected:
  // A case with these arguments and this text after them.
  CaseFile read(const std::string& arguments, const std::string& rest = "") {
    return read_case_file(folder_.write("ranks = [1]\nargs = [" + arguments + "]\n" + rest +
                                        "\n[[kernel]]\nid = 0\nfile = \"kernel.cpp\"\n[values]\n"
                                        "half = \"P / 2\"\nseed = \"rank / 2\"\n"));
  }

  template <class T>
  std::vector<T> filled(const CaseFile& file, const CasePoint& point, std::size_t argument = 0) {
    const CaseCall call(file, point);
    std::vector<T> result(call.count(argument));
    call.fill(argument, View::of(std::span(result)));
    return result;
  }

  std::string error(const CaseFile& file, const CasePoint& point) {
    try {
      const CaseCall call(file, point);
      for (std::size_t i = 0; i < file.arguments.size(); ++i) {
        if (!is_array(file.arguments[i].kind)) continue;
        std::vector<std::byte> bytes(call.count(i) * size_bytes(file.arguments[i].dtype));
        call.fill(i, {bytes.data(), call.count(i), file.arguments[i].dtype});
      }
    } catch (const Error& error) {
      return folder_.without_path(error.what());
    }
    return "no error";
  }

  CaseFolder folder_;
};

TEST_F(CaseCallTest, NumbersAreThoseOfTheRankAndCall) {
  const CaseFile file =
      read(R"x({ out = "f32[64 * P + half]" }, { temp = "i8[0]" }, { scalar = "P - 1 - rank" },
             { scalar = "-call" }, { scalar = 7 })x");
  const CaseCall call(file, {.ranks = 4, .rank = 3, .call = 2});
  EXPECT_EQ(call.count(0), 258u);
  EXPECT_EQ(call.count(1), 0u);
  EXPECT_EQ(call.scalar(2), 0u);
  EXPECT_EQ(call.scalar(3), static_cast<std::uint64_t>(-2));
  EXPECT_EQ(call.scalar(4), 7u);
}

TEST_F(CaseCallTest, FillsAreExpressions) {
  const CaseFile file = read(R"x({ in = "f32[5]", fill = "i + 100*rank + 1000*call" },
                                { inout = "u8[3]", fill = "255 + i" },
                                { in = "bf16[2]", fill = "3 * half" },
                                { temp = "f16[2]", fill = 65504 })x");
  const CasePoint point{.ranks = 4, .rank = 2, .call = 1};
  EXPECT_EQ(filled<float>(file, point), (std::vector<float>{1200, 1201, 1202, 1203, 1204}));
  EXPECT_EQ(filled<std::uint8_t>(file, point, 1), (std::vector<std::uint8_t>{255, 0, 1}));
  EXPECT_EQ(static_cast<float>(filled<BFloat16>(file, point, 2)[1]), 6);
  EXPECT_EQ(static_cast<float>(filled<Float16>(file, point, 3)[1]), 65504);
}

TEST_F(CaseCallTest, WhatANamedCollectiveSendsDiffersFromCallToCall) {
  const char* expect = "expect = { all_reduce = \"sum\" }";
  const CaseFile file = read(R"x({ in = "f32[2]", fill = "i" }, { in = "i32[2]", fill = "i" },
                                { out = "f32[2]" })x",
                             expect);
  EXPECT_EQ(filled<float>(file, {.call = 0}), (std::vector<float>{0, 1}));
  EXPECT_NE(filled<float>(file, {.call = 1}), (std::vector<float>{0, 1}));
  EXPECT_EQ(filled<std::int32_t>(file, {.call = 1}, 1), (std::vector<std::int32_t>{0, 1}));
  const CaseFile by_call = read(R"x({ inout = "f32[2]", fill = "i + call" })x", expect);
  EXPECT_EQ(filled<float>(by_call, {.call = 1}), (std::vector<float>{1, 2}));
}

TEST_F(CaseCallTest, RandomElementsDependOnSeedRankCallAndIndex) {
  const CaseFile file = read(R"x({ in = "f32[2000]", fill = "rand(1)" },
                                { in = "f32[2000]", fill = "rand(seed + 1)" },
                                { in = "f16[2000]", fill = " rand(3) " },
                                { in = "i8[2000]", fill = "rand(4)" })x");
  const std::vector<float> base = filled<float>(file, {.ranks = 4});
  EXPECT_EQ(filled<float>(file, {.ranks = 8}), base);
  EXPECT_EQ(filled<float>(file, {.ranks = 4}, 1), base);  // the seed is 1 on ranks 0 and 1
  EXPECT_NE(filled<float>(file, {.ranks = 4, .rank = 1}), base);
  EXPECT_NE(filled<float>(file, {.ranks = 4, .call = 1}), base);
  EXPECT_NE(filled<float>(file, {.ranks = 4, .rank = 2}, 1),
            filled<float>(file, {.ranks = 4, .rank = 2}));
  double sum = 0;
  for (float element : base) {
    EXPECT_TRUE(element >= -1 && element < 1) << element;
    sum += static_cast<double>(element);
  }
  EXPECT_LT(std::abs(sum / 2000), 0.1);
  EXPECT_GT((std::set<float>(base.begin(), base.end()).size()), 1900u);
  for (Float16 element : filled<Float16>(file, {}, 2)) {
    EXPECT_TRUE(static_cast<float>(element) >= -1 && static_cast<float>(element) < 1);
  }
  const auto bytes = filled<std::int8_t>(file, {}, 3);
  EXPECT_EQ((std::set<std::int8_t>(bytes.begin(), bytes.end()).size()), 256u);
}

TEST_F(CaseCallTest, OutputsHoldPoison) {
  const CaseFile file = read(R"x({ out = "f32[3]" }, { out = "f16[3]" }, { out = "bf16[3]" },
                                { out = "f64[3]" }, { temp = "i32[3]" })x");
  EXPECT_TRUE(std::isnan(filled<float>(file, {})[2]));
  EXPECT_TRUE(std::isnan(static_cast<float>(filled<Float16>(file, {}, 1)[2])));
  EXPECT_TRUE(std::isnan(static_cast<float>(filled<BFloat16>(file, {}, 2)[2])));
  EXPECT_TRUE(std::isnan(filled<double>(file, {}, 3)[2]));
  EXPECT_EQ(filled<std::uint32_t>(read(R"x({ out = "u32[3]" })x"), {})[2], 0xcdcdcdcdu);
}

TEST_F(CaseCallTest, OutputsAreComparedWithExpressions) {
  const CaseFile file = read(R"x({ out = "f32[4]" }, { inout = "i32[4]", fill = 0 })x",
                             R"x(expect = { out0 = "2 * i + rank", out1 = "0 - i" })x");
  ASSERT_EQ(file.expected_outputs.size(), 2u);
  const ExpectedOutput& floats = file.expected_outputs[0];
  const ExpectedOutput& integers = file.expected_outputs[1];
  EXPECT_EQ(integers.argument, 1u);
  const CaseCall call(file, {.ranks = 2, .rank = 1});
  std::vector<float> values(4);
  call.expect(floats, View::of(std::span(values)));
  EXPECT_EQ(values, (std::vector<float>{1, 3, 5, 7}));
  values[3] += 0.0005F;
  CaseDifference difference = call.compare(floats, View::of(std::span(values)));
  EXPECT_NEAR(difference.max, 0.0005, 1e-5);
  EXPECT_FALSE(difference.mismatch);
  values[2] = 6;
  values[3] = std::nanf("");
  difference = call.compare(floats, View::of(std::span(values)));
  EXPECT_EQ(difference.max, std::numeric_limits<double>::infinity());
  ASSERT_TRUE(difference.mismatch);
  EXPECT_EQ(difference.mismatch->element, 2u);
  EXPECT_EQ(difference.mismatch->value, "6");
  EXPECT_EQ(difference.mismatch->expected, "5");
  std::vector<std::int32_t> wrong = {0, -1, -2, 7};
  difference = call.compare(integers, View::of(std::span(wrong)));
  EXPECT_EQ(difference.max, 10);
  EXPECT_EQ(difference.mismatch->element, 3u);
  EXPECT_EQ(difference.mismatch->expected, "-3");
}

TEST_F(CaseCallTest, CollectivesTellTheirBlocks) {
  const auto collective = [&](const std::string& send, const std::string& recv,
                              const std::string& expect) {
    const CaseFile file =
        read("{ in = \"i32[" + send + "]\", fill = 0 }, { out = \"i32[" + recv + "]\" }",
             "expect = { " + expect + " }");
    return CaseCall(file, {.ranks = 3, .rank = 1, .call = 4}).collective().value();
  };
  EXPECT_EQ(collective("6", "6", "all_reduce = \"max\"").op, ReduceOp::max);
  EXPECT_EQ(collective("6", "6", "reduce = \"sum\", root = 2").root, 2);
  EXPECT_EQ(collective("6", "0", "reduce = \"sum\"").root, 0);
  EXPECT_EQ(collective("6", "6", "broadcast = \"call % P\"").root, 1);
  EXPECT_EQ(collective("0", "6", "broadcast = 0").count, 6u);
  EXPECT_EQ(collective("2", "6", "all_gather = true").count, 2u);
  EXPECT_EQ(collective("2", "0", "gather = 0").count, 2u);
  EXPECT_EQ(collective("0", "2", "scatter = 0").count, 2u);
  EXPECT_EQ(collective("6", "2", "reduce_scatter = \"sum\"").count, 2u);
  const CaseCollectiveCall call = collective("6", "6", "all_to_all = true");
  EXPECT_EQ(call.count, 2u);
  EXPECT_EQ(call.send, 0u);
  EXPECT_EQ(call.recv, 1u);
}

TEST_F(CaseCallTest, NumbersThatCannotBeAreRefused) {
  const CasePoint point{.ranks = 3, .rank = 2, .call = 0};
  EXPECT_EQ(error(read(R"x({ out = "f32[1 - rank]" })x"), point),
            "`args[0].out` is 1 - rank, which gives -1 elements; it must be from 0 to "
            "274877906944");
  EXPECT_EQ(error(read(R"x({ out = "u8[1099511627776 + P]" })x"), point),
            "`args[0].out` is 1099511627776 + P, which gives 1099511627779 elements; it must be "
            "from 0 to 1099511627776");
  EXPECT_EQ(error(read(R"x({ scalar = "P / (rank - 2)" })x"), point),
            "`args[0].scalar` has no value for P = 3, rank = 2, call = 0: expression `P / (rank - "
            "2)`: the operator at column 3 divides 3 by zero; give it another divisor");
  EXPECT_EQ(error(read(R"x({ in = "f32[2]", fill = "1 / (i - 1)" })x"), point),
            "`args[0].fill` has no value for P = 3, rank = 2, call = 0: expression `1 / (i - 1)`: "
            "the operator at column 3 divides 1 by zero; give it another divisor");
  const char* arrays = R"x({ in = "f32[4]", fill = 0 }, { out = "f32[4]" })x";
  EXPECT_EQ(error(read(arrays, "expect = { broadcast = \"P\" }"), point),
            "`expect.broadcast` is P, which gives 3 as the root; it must be from 0 to 2");
  EXPECT_EQ(error(read(arrays, "expect = { all_to_all = true }"), point),
            "`expect.all_to_all` does not fit args[0] of 4 elements and args[1] of 4: on 3 ranks "
            "blocks of 1 are 3 to send and 3 to receive; change the counts");
}

}  // namespace
}  // namespace peal
