// SPDX-License-Identifier: Apache-2.0
#include "peal/kernels/args.h"

namespace peal {

// All-reduce on two rings at once: the lower half of every chunk travels up the ranks, the upper
// half down, each as in all_reduce_ring, so that both directions of a link carry data.
// Sends 2(P-1)/P of the buffer per rank. Needs: data in a window, an inbox as large as data, cut
// into the same chunks, and a signal for each direction.
void all_reduce_bidirectional_ring(Device& self, const AllReduceArgs& args) {
  const auto& [data, inbox, arrived, op] = args;
  const int me = self.rank(), ranks = self.ranks(), last = ranks - 1;
  const Rank up{(me + 1) % ranks}, down{(me + last) % ranks};
  const auto lower = [](View chunk) { return Chunks(chunk, 2)[0]; };
  const auto upper = [](View chunk) { return Chunks(chunk, 2)[1]; };
  const auto exchange = [&, &signals = arrived] {
    self.notify(up, signals[0]);
    self.notify(down, signals[1]);
    self.wait(signals[0]);
    self.wait(signals[1]);
  };
  for (int step = 0; step < last; ++step) {  // reduce-scatter
    self.put(up, lower(inbox[me - step]), lower(data[me - step]));
    self.put(down, upper(inbox[me + step]), upper(data[me + step]));
    exchange();
    self.reduce(lower(data[me - step - 1]), lower(inbox[me - step - 1]), op);
    self.reduce(upper(data[me + step + 1]), upper(inbox[me + step + 1]), op);
  }
  for (int step = 0; step < last; ++step) {  // all-gather
    self.put(up, lower(data[me - step + 1]), lower(data[me - step + 1]));
    self.put(down, upper(data[me + step - 1]), upper(data[me + step - 1]));
    exchange();
  }
}

}  // namespace peal
