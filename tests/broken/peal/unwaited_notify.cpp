// SPDX-License-Identifier: Apache-2.0
// A second notify that nobody waits for.
#include "../include/repaired.h"

namespace {

void run(peal::Device& self, const peal::KernelArguments& args) {
  const peal::Rank next{(self.rank() + 1) % self.ranks()};
  const peal::View mine = args.buffer("mine"), theirs = args.buffer("theirs");
  const peal::View landing = args.buffer("landing");
  const peal::Signal arrived = args.signals("arrived")[0];
  self.put(next, landing, mine);
  self.notify(next, arrived);
  if (!repaired) self.notify(next, args.signals("arrived")[1]);  // first
  self.wait(arrived);
  self.copy(theirs, landing);
}

}  // namespace

peal::Kernel peal_kernel() {
  using Kind = peal::KernelBuffer::Kind;
  return {
      .name = "unwaited_notify",
      .run = run,
      .buffers = {{.name = "mine", .kind = Kind::input, .count = "64", .fill = "i + 100*rank"},
                  {.name = "theirs", .kind = Kind::output, .count = "64"},
                  {.name = "landing", .count = "64"}},
      .signals = {{.name = "arrived", .count = "2"}},
      .expect = {{.outputs = {"i + 100*((rank + P - 1) % P)"}}},
      .calls = 1,
  };
}
