// SPDX-License-Identifier: Apache-2.0
// There are signals for 2 (P-1) rounds, and the rounds are counted from 1.
#include "../include/repaired.h"

namespace {

void run(peal::Device& self, const peal::KernelArguments& args) {
  const peal::Rank next{(self.rank() + 1) % self.ranks()};
  const peal::SignalRow rounds = args.signals("rounds");
  for (int round = 0; round < 2 * (self.ranks() - 1); ++round) {
    const peal::Signal arrived = rounds[repaired ? round : round + 1];
    self.notify(next, arrived);
    self.wait(arrived);
  }
}

}  // namespace

peal::Kernel peal_kernel() {
  using Kind = peal::KernelBuffer::Kind;
  return {
      .name = "out_of_slot",
      .run = run,
      .buffers = {},
      .signals = {{.name = "rounds", .count = "2 * (P - 1)"}},
      .min_ranks = 2,
      .calls = 1,
  };
}
