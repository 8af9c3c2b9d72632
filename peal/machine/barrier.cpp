// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/barrier.h"

#include <bit>

namespace peal {

int barrier_rounds(int ranks) {
  return static_cast<int>(std::bit_width(static_cast<unsigned>(ranks - 1)));
}

void barrier(Device& self, const SignalRow& rounds, SourcePlace place) {
  const int ranks = self.ranks();
  for (int round = 0, distance = 1; distance < ranks; ++round, distance *= 2) {
    self.notify(Rank{(self.rank() + distance) % ranks}, rounds[round], 1, place);
    self.wait(rounds[round], 1, place);
  }
}

}  // namespace peal
