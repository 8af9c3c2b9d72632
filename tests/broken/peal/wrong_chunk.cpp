// SPDX-License-Identifier: Apache-2.0
// A ring all-reduce that sends the chunk before the one that is its turn. It is free of races.
#include "../include/repaired.h"

namespace {

void run(peal::Device& self, const peal::KernelArguments& args) {
  const int me = self.rank(), ranks = self.ranks(), last = ranks - 1;
  const peal::View vector = args.buffer("vector"), inboxes = args.buffer("inbox");
  const peal::Chunks data(vector, ranks);
  const peal::Chunks inbox(inboxes.part(args.call() % 2 * vector.count, vector.count), ranks);
  const peal::Signal arrived = args.signals("arrived")[0];
  const peal::Rank next{(me + 1) % ranks};
  for (int step = 0; step < 2 * last; ++step) {
    const int sent = repaired ? me - step : me - step - 1;
    self.put(next, inbox[me - step], data[sent]);
    self.notify(next, arrived);
    self.wait(arrived);
    if (step < last) {
      self.reduce(data[me - step - 1], inbox[me - step - 1], peal::ReduceOp::sum);
    } else {
      self.copy(data[me - step - 1], inbox[me - step - 1]);
    }
  }
}

}  // namespace

peal::Kernel peal_kernel() {
  using Kind = peal::KernelBuffer::Kind;
  return {
      .name = "wrong_chunk",
      .run = run,
      .buffers =
          {{.name = "vector", .kind = Kind::inout, .count = "16 * P", .fill = "i + 100*rank"},
           {.name = "inbox", .count = "2 * 16 * P"}},
      .signals = {{.name = "arrived", .count = "2"}},
      .expect = {{.collective = "all_reduce"}},
  };
}
