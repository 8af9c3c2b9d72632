// SPDX-License-Identifier: Apache-2.0
// All-reduce on a ring: reduce-scatter, then all-gather, P-1 steps each. Chunks travel through the
// inbox of the next rank, whose slots are used in turn.
//
// It has one slot too few: see ring_all_reduce.cpp for how many it takes. Nearly every schedule
// gives the right sums.
#include "peal/machine/kernel.h"

namespace {

void ring(peal::Device& self, const peal::KernelArguments& args) {
  const int ranks = self.ranks(), me = self.rank(), last = ranks - 1;
  const peal::View vector = args.buffer("vector"), inbox = args.buffer("inbox");
  const peal::Chunks data(vector, ranks);
  const std::size_t longest = data[0].count;
  const peal::Chunks slots(inbox.part(0, longest), last, longest);
  const peal::Signal arrived = args.signals("arrived")[0];
  const peal::Rank next{(me + 1) % ranks};
  const int steps_before = static_cast<int>(args.call()) * 2 * last;
  for (int step = 0; step < 2 * last; ++step) {
    const peal::View slot = slots[steps_before + step];
    const peal::View sent = data[me - step], received = data[me - step - 1];
    self.put(next, slot.part(0, sent.count), sent);  // first: the slot may be full
    self.notify(next, arrived);
    self.wait(arrived);
    if (step < last) {
      self.reduce(received, slot.part(0, received.count), peal::ReduceOp::sum);  // second
    } else {
      self.copy(received, slot.part(0, received.count));
    }
  }
}

}  // namespace

peal::Kernel peal_kernel() {
  using Kind = peal::KernelBuffer::Kind;
  return {
      .name = "ring_all_reduce_broken",
      .run = ring,
      .buffers = {{.name = "vector", .kind = Kind::inout, .count = "1000", .fill = "i + 100*rank"},
                  {.name = "inbox", .count = "(1000 + P - 1) / P * (P - 1)"}},
      .signals = {{.name = "arrived", .count = "1"}},
      .expect = {{.collective = "all_reduce"}},
      .min_ranks = 2,
  };
}
