// SPDX-License-Identifier: Apache-2.0
// The first arrival at rank 0 may be from any rank: a count names nobody.
#include "../include/repaired.h"

namespace {

void run(peal::Device& self, const peal::KernelArguments& args) {
  const int me = self.rank(), ranks = self.ranks();
  const peal::SignalRow arrived = args.signals("arrived");
  const peal::Chunks landing(args.buffer("landing"), ranks),
      gathered(args.buffer("gathered"), ranks);
  if (me != 0) {
    self.put(peal::Rank{0}, landing[me], args.buffer("mine"));  // first
    self.notify(peal::Rank{0}, arrived[repaired ? me : 0]);
    return;
  }
  self.copy(gathered[0], args.buffer("mine"));
  for (int peer = 1; peer < ranks; ++peer) {
    self.wait(arrived[repaired ? peer : 0]);
    self.copy(gathered[peer], landing[peer]);  // second
  }
}

}  // namespace

peal::Kernel peal_kernel() {
  using Kind = peal::KernelBuffer::Kind;
  return {
      .name = "one_cell_for_all",
      .run = run,
      .buffers = {{.name = "mine", .kind = Kind::input, .count = "16", .fill = "i + 100*rank"},
                  {.name = "gathered", .kind = Kind::output, .count = "16 * P"},
                  {.name = "landing", .count = "16 * P"}},
      .signals = {{.name = "arrived", .count = "P"}},
      .expect = {{.collective = "gather"}},
      .calls = 1,
  };
}
