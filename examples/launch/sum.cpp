// SPDX-License-Identifier: Apache-2.0
// A program whose ranks `peal launch` starts: each adds up what all of them have.
//
//   peal launch -n 4 -- build/release/examples/sum
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <span>

#include "peal/base/error.h"
#include "peal/collectives/collectives.h"
#include "peal/launch/process_team.h"

int main() {
  try {
    peal::ProcessTeam team = peal::team_from_environment();
    // Memory that peers can address; any other would do, too.
    const std::span<float> mine = team.allocate<float>(1000), sum = team.allocate<float>(1000);
    std::fill(mine.begin(), mine.end(), static_cast<float>(team.rank() + 1));
    peal::all_reduce(team, {.send = mine, .recv = sum});

    const auto expected = static_cast<float>(team.size() * (team.size() + 1) / 2);
    const bool is_right =
        std::all_of(sum.begin(), sum.end(), [expected](float value) { return value == expected; });
    fmt::print("rank {} of {} has the sum {}: {}\n", team.rank(), team.size(), sum.front(),
               is_right ? "PASS" : "FAIL");
    return is_right ? 0 : 1;
  } catch (const peal::Error& error) {
    fmt::print(stderr, "sum: {}\n", error.what());
    return 2;
  }
}
