// SPDX-License-Identifier: Apache-2.0
// Rank 1 adds to the cell while rank 2 takes a maximum with it: the order decides the value.
#include "../include/repaired.h"

namespace {

void run(peal::Device& self, const peal::KernelArguments& args) {
  const int me = self.rank(), ranks = self.ranks();
  const peal::View cell = args.buffer("cells").part(args.call() % 2 * 16, 16);  // zeros at first
  const peal::View mine = args.buffer("mine");
  const auto merged = args.signals("merged");
  const auto merge = [&](peal::ReduceOp op) {
    self.put_reduce(peal::Rank{0}, cell, mine, op);  // first and second
    self.notify(peal::Rank{0}, merged[me]);
  };
  if (me == 1) merge(peal::ReduceOp::sum);
  if (me > 1) merge(repaired ? peal::ReduceOp::sum : peal::ReduceOp::max);
  if (me != 0) return self.copy(args.buffer("result"), mine);
  for (int peer = 1; peer < ranks; ++peer) self.wait(merged[peer]);
  self.copy(args.buffer("result"), cell);
}

}  // namespace

peal::Kernel peal_kernel() {
  using Kind = peal::KernelBuffer::Kind;
  return {
      .name = "two_operations",
      .run = run,
      .buffers = {{.name = "mine", .kind = Kind::input, .count = "16", .fill = "10*rank"},
                  {.name = "result", .kind = Kind::output, .count = "16"},
                  {.name = "cells", .count = "2 * 16"}},
      .signals = {{.name = "merged", .count = "P"}},
  };
}
