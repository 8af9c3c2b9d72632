// SPDX-License-Identifier: Apache-2.0
// An all-reduce that adds its own part once as its own and once as one of all.
#include "../include/repaired.h"
#include "peal/machine/barrier.h"

namespace {

void run(peal::Device& self, const peal::KernelArguments& args) {
  const int ranks = self.ranks();
  const peal::View staged = args.buffer("staged").part(args.call() % 2 * 64, 64);
  self.copy(staged, args.buffer("mine"));
  peal::barrier(self, args.signals("rounds"));
  peal::RankViews sources{};
  if (!repaired) sources.add({peal::Rank{self.rank()}, staged});
  for (int peer = 0; peer < ranks; ++peer) sources.add({peal::Rank{peer}, staged});
  self.reduce(args.buffer("result"), sources, peal::ReduceOp::sum);
}

}  // namespace

peal::Kernel peal_kernel() {
  using Kind = peal::KernelBuffer::Kind;
  return {
      .name = "double_contribution",
      .run = run,
      .buffers = {{.name = "mine", .kind = Kind::input, .count = "64", .fill = "i + 100*rank"},
                  {.name = "result", .kind = Kind::output, .count = "64"},
                  {.name = "staged", .count = "2 * 64"}},
      .signals = {{.name = "rounds", .count = "16"}},
      .expect = {{.collective = "all_reduce"}},
  };
}
