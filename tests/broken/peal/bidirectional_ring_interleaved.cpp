// SPDX-License-Identifier: Apache-2.0
// An all-reduce on a ring in both directions at once, over the whole vector and not a half each
// way: a chunk on one way picks up what the other way has added. It is free of races.
#include "../include/repaired.h"

namespace {

void run(peal::Device& self, const peal::KernelArguments& args) {
  const int me = self.rank(), ranks = self.ranks(), last = ranks - 1;
  const peal::View vector = args.buffer("vector"), inboxes = args.buffer("inbox");
  const peal::View inbox = inboxes.part(args.call() % 2 * 2 * vector.count, 2 * vector.count);
  const std::size_t half = vector.count / 2;
  const peal::SignalRow arrived = args.signals("arrived");
  const peal::Rank next{(me + 1) % ranks}, previous{(me + last) % ranks};
  const peal::Chunks up(repaired ? vector.part(0, half) : vector, ranks);
  const peal::Chunks down(repaired ? vector.part(half, half) : vector, ranks);
  const peal::Chunks from_previous(inbox.part(0, up[0].count * static_cast<std::size_t>(ranks)),
                                   ranks);
  const peal::Chunks from_next(inbox.part(vector.count, from_previous.whole().count), ranks);
  for (int step = 0; step < 2 * last; ++step) {
    self.put(next, from_previous[me - step], up[me - step]);
    self.put(previous, from_next[me + step], down[me + step]);
    self.notify(next, arrived[0]);
    self.notify(previous, arrived[1]);
    self.wait(arrived[0]);
    self.wait(arrived[1]);
    if (step < last) {
      self.reduce(up[me - step - 1], from_previous[me - step - 1], peal::ReduceOp::sum);
      self.reduce(down[me + step + 1], from_next[me + step + 1], peal::ReduceOp::sum);
    } else {
      self.copy(up[me - step - 1], from_previous[me - step - 1]);
      self.copy(down[me + step + 1], from_next[me + step + 1]);
    }
  }
}

}  // namespace

peal::Kernel peal_kernel() {
  using Kind = peal::KernelBuffer::Kind;
  return {
      .name = "bidirectional_ring_interleaved",
      .run = run,
      .buffers =
          {{.name = "vector", .kind = Kind::inout, .count = "32 * P", .fill = "i + 100*rank"},
           {.name = "inbox", .count = "2 * 2 * 32 * P"}},
      .signals = {{.name = "arrived", .count = "2"}},
      .expect = {{.collective = "all_reduce"}},
      .min_ranks = 3,
  };
}
