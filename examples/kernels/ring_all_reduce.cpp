// SPDX-License-Identifier: Apache-2.0
// All-reduce on a ring: reduce-scatter, then all-gather, P-1 steps each. Chunks travel through the
// inbox of the next rank, whose slots are used in turn.
//
// Why P slots are enough, over any number of calls: a notify of step s comes after its rank has
// emptied the slot of step s-1. So a rank that has waited for step s-1 knows that the one before it
// has emptied the slot of step s-2, that the one before that has emptied the slot of s-3, and so on
// round the ring: the next rank has emptied the slot of step s-P, which step s fills again.
#include "peal/machine/kernel.h"

namespace {

void ring(peal::Device& self, const peal::KernelArguments& args) {
  const int ranks = self.ranks(), me = self.rank(), last = ranks - 1;
  const peal::View vector = args.buffer("vector"), inbox = args.buffer("inbox");
  const peal::Chunks data(vector, ranks);
  const std::size_t longest = data[0].count;
  const peal::Chunks slots(inbox.part(0, longest), ranks, longest);
  const peal::Signal arrived = args.signals("arrived")[0];
  const peal::Rank next{(me + 1) % ranks};
  const int steps_before = static_cast<int>(args.call()) * 2 * last;
  for (int step = 0; step < 2 * last; ++step) {
    const peal::View slot = slots[steps_before + step];
    const peal::View sent = data[me - step], received = data[me - step - 1];
    self.put(next, slot.part(0, sent.count), sent);
    self.notify(next, arrived);
    self.wait(arrived);
    if (step < last) {
      self.reduce(received, slot.part(0, received.count), peal::ReduceOp::sum);
    } else {
      self.copy(received, slot.part(0, received.count));
    }
  }
}

}  // namespace

peal::Kernel peal_kernel() {
  using Kind = peal::KernelBuffer::Kind;
  return {
      .name = "ring_all_reduce",
      .run = ring,
      .buffers = {{.name = "vector", .kind = Kind::inout, .count = "count", .fill = "i + 100*rank"},
                  {.name = "inbox", .count = "(count + P - 1) / P * P"}},
      .signals = {{.name = "arrived", .count = "1"}},
      .expect = {{.collective = "all_reduce"}},
      .values = {{.name = "count", .value = "1000"}},
  };
}
