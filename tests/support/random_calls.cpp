// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_calls.h"

#include <fmt/format.h>

#include <chrono>
#include <random>
#include <thread>
#include <vector>

#include "peal/collectives/registry.h"
#include "tests/support/collective_case.h"

namespace peal::tests {
namespace {

// The same on every rank, by the seed.
CollectiveCase random_case(std::mt19937& random, int ranks) {
  const auto below = [&](std::size_t limit) { return random() % limit; };
  const Collective collective = all_collectives[below(std::size(all_collectives))];
  const std::size_t most[] = {4, 16, 300, 5000};
  CollectiveCase test{.collective = collective,
                      .algorithm = "auto",
                      .ranks = ranks,
                      .count = below(most[below(std::size(most))]),
                      .dtype = below(2) == 0 ? DType::i32 : DType::f32};
  test.root = static_cast<int>(below(static_cast<std::size_t>(ranks)));
  test.salt = static_cast<int>(below(1000));
  test.in_place = below(3) == 0;
  if (below(2) == 0) {  // any algorithm of the collective
    std::vector<const char*> names;
    for (const Algorithm& algorithm : algorithms()) {
      if (algorithm.collective == collective) names.push_back(algorithm.name);
    }
    test.algorithm = names[below(names.size())];
  }
  return test;
}

}  // namespace

std::string run_random_calls(Team& team, int calls, unsigned seed) {
  std::mt19937 random(seed), own(seed * 1000 + static_cast<unsigned>(team.rank()));
  for (int i = 0; i < calls; ++i) {
    const CollectiveCase test = random_case(random, team.size());
    if (own() % 50 == 0) std::this_thread::sleep_for(std::chrono::microseconds(own() % 300));
    if (test.collective == Collective::barrier) {
      run_collective(team, {.collective = Collective::barrier});
      continue;
    }
    CaseBuffers buffers = make_buffers(test, team.rank());
    call(team, test, buffers);
    const std::string text = difference(test, team.rank(), buffers);
    if (!text.empty()) return fmt::format("call {} of seed {}: {}", i, seed, text);
  }
  return "";
}

}  // namespace peal::tests
