// SPDX-License-Identifier: Apache-2.0
// A maximum that leaves rank 0 out, whose elements are the smallest here: values do not show it.
#include "../include/repaired.h"
#include "peal/machine/barrier.h"

namespace {

void run(peal::Device& self, const peal::KernelArguments& args) {
  const int ranks = self.ranks();
  const peal::View staged = args.buffer("staged").part(args.call() % 2 * 64, 64);
  self.copy(staged, args.buffer("mine"));
  peal::barrier(self, args.signals("rounds"));
  peal::RankViews sources{};
  for (int peer = repaired ? 0 : 1; peer < ranks; ++peer) {
    sources.add({peal::Rank{peer}, staged});
  }
  self.reduce(args.buffer("result"), sources, peal::ReduceOp::max);
}

}  // namespace

peal::Kernel peal_kernel() {
  using Kind = peal::KernelBuffer::Kind;
  return {
      .name = "maximum_without_one",
      .run = run,
      .buffers = {{.name = "mine", .kind = Kind::input, .count = "64", .fill = "i + 100*rank"},
                  {.name = "result", .kind = Kind::output, .count = "64"},
                  {.name = "staged", .count = "2 * 64"}},
      .signals = {{.name = "rounds", .count = "16"}},
      .expect = {{.collective = "all_reduce", .op = peal::ReduceOp::max}},
  };
}
