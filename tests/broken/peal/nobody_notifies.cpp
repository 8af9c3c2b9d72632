// SPDX-License-Identifier: Apache-2.0
// All notify rank 0, and every rank waits for all.
#include "../include/repaired.h"

namespace {

void run(peal::Device& self, const peal::KernelArguments& args) {
  const peal::Signal arrived = args.signals("arrived")[0];
  for (int peer = 0; peer < (repaired ? self.ranks() : 1); ++peer) {
    self.notify(peal::Rank{peer}, arrived);
  }
  self.wait(arrived, self.ranks());  // first
}

}  // namespace

peal::Kernel peal_kernel() {
  using Kind = peal::KernelBuffer::Kind;
  return {
      .name = "nobody_notifies",
      .run = run,
      .buffers = {},
      .signals = {{.name = "arrived", .count = "1"}},
      .calls = 1,
  };
}
