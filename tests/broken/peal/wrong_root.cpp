// SPDX-License-Identifier: Apache-2.0
// A broadcast from rank 0, where rank 1 is the root.
#include "../include/repaired.h"
#include "peal/machine/barrier.h"

namespace {

void run(peal::Device& self, const peal::KernelArguments& args) {
  const peal::Rank root{repaired ? 1 : 0};
  const peal::View staged = args.buffer("staged").part(args.call() % 2 * 64, 64);
  self.copy(staged, args.buffer("mine"));
  peal::barrier(self, args.signals("rounds"));
  self.get(args.buffer("result"), root, staged);
}

}  // namespace

peal::Kernel peal_kernel() {
  using Kind = peal::KernelBuffer::Kind;
  return {
      .name = "wrong_root",
      .run = run,
      .buffers = {{.name = "mine", .kind = Kind::input, .count = "64", .fill = "i + 100*rank"},
                  {.name = "result", .kind = Kind::output, .count = "64"},
                  {.name = "staged", .count = "2 * 64"}},
      .signals = {{.name = "rounds", .count = "16"}},
      .expect = {{.collective = "broadcast", .root = "1"}},
      .min_ranks = 2,
  };
}
