// SPDX-License-Identifier: Apache-2.0
#include "peal/tools/device_list.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options/number_option.h"
#include "peal/base/error.h"

namespace peal {
namespace {

template <class Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string devices_error(std::string_view text) {
  return error_of([&] { static_cast<void>(parse_devices(text)); });
}

std::string number_error(std::string_view text) {
  return error_of(
      [&] { static_cast<void>(parse_number("--ranks", text, {.lowest = 1, .highest = 65536})); });
}

TEST(DevicesOption, ListsAndRanges) {
  EXPECT_EQ(parse_devices("0"), (std::vector<int>{0}));
  EXPECT_EQ(parse_devices("0-3"), (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(parse_devices("0,2,5-7"), (std::vector<int>{0, 2, 5, 6, 7}));
  EXPECT_EQ(parse_devices("7,3-3,1"), (std::vector<int>{7, 3, 1}));
  EXPECT_EQ(parse_devices("0-65535").size(), std::size_t{65536});
}

TEST(DevicesOption, AnythingElseIsAnErrorThatNamesIt) {
  EXPECT_EQ(devices_error("3-1"), "--devices `3-1`: the range 3-1 descends; use 1-3");
  EXPECT_EQ(devices_error("0,0"), "--devices `0,0`: device 0 is named twice; name each one once");
  EXPECT_EQ(devices_error("0-3,2"),
            "--devices `0-3,2`: device 2 is named twice; name each one once");
  EXPECT_EQ(devices_error("x"),
            "--devices `x`: `x` is no device; use a list such as 0-3 or 0,2,5-7");
  EXPECT_EQ(devices_error("0-65536"),
            "--devices `0-65536`: device 65536 is beyond the last, 65535; use a list such as 0-3 "
            "or 0,2,5-7");
  for (const char* text : {"", ",", "0,", ",0", "-", "0-", "-1", "0--1", "0-1-2", "1 ", " 1", "+1",
                           "0x1", "1.5", "0..3"}) {
    EXPECT_NE(devices_error(text).find("is no device"), std::string::npos) << text;
  }
  for (const char* text : {"0-4294967295", "99999999999999999999", "65536"}) {
    EXPECT_NE(devices_error(text).find("is beyond the last"), std::string::npos) << text;
  }
}

TEST(NumberOption, WholeNumbersWithinTheirRange) {
  EXPECT_EQ(parse_number("--seed", "18446744073709551615", {}), UINT64_MAX);
  EXPECT_EQ(number_error("1"), "no error");
  EXPECT_EQ(number_error("0"), "--ranks `0` is not possible; use a whole number from 1 to 65536");
  for (const char* text : {"", "x", "-1", "+1", " 1", "1 ", "65537", "1e3", "0x10", "1.0",
                           "99999999999999999999999"}) {
    EXPECT_NE(number_error(text).find("is not possible"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace peal
