// SPDX-License-Identifier: Apache-2.0
// An all-reduce in two steps over a grid of ranks, two in a row: rows reduce-scatter, each column
// adds up what its rows have, and rows gather it again. The teams of both are made by splits.
#include <cstddef>

#include "peal/collectives/collectives.h"
#include "peal/machine/kernel.h"

namespace {

constexpr int columns = 2;

void in_two_levels(peal::Device& self, const peal::KernelArguments& args) {
  const auto row = args.team().split(self.rank() / columns);
  const auto column = args.team().split(self.rank() % columns);
  const peal::View part = args.buffer("part"), sum = args.buffer("sum");
  peal::reduce_scatter(*row, {.send = args.buffer("given"), .recv = part});
  peal::all_reduce(*column, {.send = part, .recv = part});
  peal::all_gather(*row, {.send = part, .recv = sum});
}

}  // namespace

peal::Kernel peal_kernel() {
  using Kind = peal::KernelBuffer::Kind;
  return {
      .name = "two_level_all_reduce",
      .run = in_two_levels,
      .buffers = {{.name = "given", .kind = Kind::input, .count = "1000", .fill = "i + 100*rank"},
                  {.name = "sum", .kind = Kind::output, .count = "1000"},
                  {.name = "part", .kind = Kind::output, .count = "500"}},
      .expect = {{.collective = "all_reduce"}},
      .min_ranks = 2,
  };
}
