// SPDX-License-Identifier: Apache-2.0
// A kernel and its tests in one program: every rank sends its vector to the next one.
#include <gtest/gtest.h>

#include <cstddef>
#include <string>

#include "peal/launch/check_kernel.h"
#include "peal/machine/kernel.h"

namespace {

// The landing has `slots` slots, which calls use in turn. A rank may be P-1 calls ahead of the next
// one, so that takes P of them.
peal::Kernel exchange(const std::string& slots) {
  using Kind = peal::KernelBuffer::Kind;
  return {
      .name = "exchange",
      .run =
          [](peal::Device& self, const peal::KernelArguments& args) {
            const peal::View mine = args.buffer("mine"), landing = args.buffer("landing");
            const auto call = static_cast<std::size_t>(args.call());
            const std::size_t slot = call % (landing.count / mine.count) * mine.count;
            const peal::Rank next{(self.rank() + 1) % self.ranks()};
            const peal::Signal arrived = args.signals("arrived")[0];
            self.put(next, landing.part(slot, mine.count), mine);
            self.notify(next, arrived);
            self.wait(arrived);
            self.copy(args.buffer("theirs"), landing.part(slot, mine.count));
          },
      .buffers = {{.name = "mine", .kind = Kind::input, .count = "64", .fill = "i + 100*rank"},
                  {.name = "theirs", .kind = Kind::output, .count = "64"},
                  {.name = "landing", .count = "64 * (" + slots + ")"}},
      .signals = {{.name = "arrived", .count = "1"}},
      .expect = {{.outputs = {"i + 100*((rank + P - 1) % P)"}}},
      .calls = 12,
  };
}

TEST(Exchange, IsCleanWithASlotPerRank) {
  for (int ranks : {1, 2, 3, 4, 8}) {
    const peal::CheckReport report = peal::check(exchange("P"), {.ranks = ranks});
    EXPECT_TRUE(report.is_clean()) << report.text();
  }
}

TEST(Exchange, HasARaceWithOneSlotLess) {
  for (int ranks : {2, 3, 4, 8}) {
    const peal::CheckReport report = peal::check(exchange("P - 1"), {.ranks = ranks});
    EXPECT_TRUE(report.has(peal::FindingClass::race)) << report.text();
  }
}

}  // namespace
