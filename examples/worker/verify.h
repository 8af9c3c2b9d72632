// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/core.h>

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "peal/base/error.h"

// What every example has around that which it shows.
namespace example {

// Whether all elements are as expected; prints the first one that is not.
inline bool agree(std::string_view what, const std::vector<float>& actual,
                  const std::vector<float>& expected) {
  if (actual.size() != expected.size()) {
    fmt::print("{}: {} elements instead of {}\n", what, actual.size(), expected.size());
    return false;
  }
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (std::abs(actual[i] - expected[i]) <= 1e-5f * std::abs(expected[i])) continue;
    fmt::print("{}: element {} is {} instead of {}\n", what, i, actual[i], expected[i]);
    return false;
  }
  return true;
}

// The same for what each device has, or each rank.
inline bool agree(std::string_view what, const std::map<int, std::vector<float>>& actual,
                  const std::map<int, std::vector<float>>& expected) {
  bool all = actual.size() == expected.size();
  for (const auto& [number, elements] : expected) {
    const bool one = agree(fmt::format("{} of {}", what, number), actual.at(number), elements);
    all = all && one;
  }
  return all;
}

// Shows the example on the platform that the command line names (`shm` or `-p shm`), and returns
// the program's exit code: 0 for a result that agrees, 1 for one that does not or a run that fails,
// 2 for misuse.
inline int run(std::string_view name, int argc, char** argv,
               const std::function<bool(const std::string& platform)>& show) {
  const bool has_option = argc > 2 && std::string_view(argv[1]) == "-p";
  const std::string platform = has_option ? argv[2] : argc > 1 ? argv[1] : "a2a3sim";
  try {
    const bool passes = show(platform);
    fmt::print("{} on {}: {}\n", name, platform, passes ? "PASS" : "FAIL");
    return passes ? 0 : 1;
  } catch (const peal::RunError& error) {
    fmt::print(stderr, "{}: {}\n", name, error.what());
    return 1;
  } catch (const peal::Error& error) {
    fmt::print(stderr, "{}: {}\n", name, error.what());
    return 2;
  }
}

}  // namespace example
