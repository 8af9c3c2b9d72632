// SPDX-License-Identifier: Apache-2.0
// The put of the next call may land while the peer still copies what came in this one.
#include "../include/repaired.h"

namespace {

void run(peal::Device& self, const peal::KernelArguments& args) {
  const peal::Rank next{(self.rank() + 1) % self.ranks()};
  const peal::View mine = args.buffer("mine"), theirs = args.buffer("theirs");
  const peal::View landing = args.buffer("landing");
  const peal::Signal arrived = args.signals("arrived")[0];
  const peal::Rank previous{(self.rank() + self.ranks() - 1) % self.ranks()};
  const peal::Signal emptied = args.signals("arrived")[1];
  if (repaired && args.call() > 0) self.wait(emptied);
  self.put(next, landing, mine);  // first
  self.notify(next, arrived);
  self.wait(arrived);
  self.copy(theirs, landing);  // second
  if (repaired && args.call() == 0) self.notify(previous, emptied);
}

}  // namespace

peal::Kernel peal_kernel() {
  using Kind = peal::KernelBuffer::Kind;
  return {
      .name = "no_credit",
      .run = run,
      .buffers = {{.name = "mine", .kind = Kind::input, .count = "64", .fill = "i + 100*rank"},
                  {.name = "theirs", .kind = Kind::output, .count = "64"},
                  {.name = "landing", .count = "64"}},
      .signals = {{.name = "arrived", .count = "2"}},
      .expect = {{.outputs = {"i + 100*((rank + P - 1) % P)"}}},
  };
}
