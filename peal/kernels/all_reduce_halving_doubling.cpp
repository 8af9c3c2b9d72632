// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstddef>

#include "peal/kernels/args.h"

namespace peal {

// All-reduce by recursive halving, then doubling, among the Q ranks of the largest power of two:
// ranks that differ in one bit exchange halves of what they still hold and combine them, until each
// has one of Q blocks; then the same pairs, in reverse order, gather the blocks. The other ranks
// send their data to a partner first, and get the result last. Sends 2(Q-1)/Q of the buffer, in
// 2 log2 Q steps; with a partner one buffer and two steps more. Needs: an inbox of two parts, each
// as long as Q whole blocks. (Rabenseifner 2004; Thakur, Rabenseifner and Gropp 2005.)
void all_reduce_halving_doubling(Device& self, const AllReduceArgs& args) {
  const auto& [data, inbox, arrived, op] = args;
  const int me = self.rank();
  const int paired = static_cast<int>(std::bit_floor(static_cast<unsigned>(self.ranks())));
  const auto round_of = [](int bit) { return std::countr_zero(static_cast<unsigned>(bit)); };
  const int fold = round_of(paired);
  const View all = data.whole(), halves = inbox[0], landing = inbox[1];
  // The fold may use `landing`: a peer gathers into it only after a halving notify from this rank.
  const View folded = landing.part(0, all.count);
  if (me >= paired) {
    self.put(Rank{me - paired}, folded, all);
    self.notify(Rank{me - paired}, arrived[fold]);
    self.wait(arrived[fold]);
    self.copy(all, folded);
    return;
  }
  const bool has_partner = me + paired < self.ranks();
  if (has_partner) {
    self.wait(arrived[fold]);
    self.reduce(all, folded, op);
  }
  // The last blocks are shorter, or empty, where Q does not divide the count.
  const auto ranks_of_block = static_cast<std::size_t>(paired);
  const std::size_t block = (all.count + ranks_of_block - 1) / ranks_of_block;
  const auto start = [block](int first) { return static_cast<std::size_t>(first) * block; };
  const auto blocks = [&](const View& view, int first, int count) {
    const std::size_t begin = std::min(start(first), all.count);
    return view.part(begin, std::min(start(first + count), all.count) - begin);
  };
  for (int bit = paired / 2; bit > 0; bit /= 2) {
    const Rank peer{me ^ bit};
    const int kept = me & -bit, given = peer.index & -bit;
    const View sent = blocks(all, given, bit), combined = blocks(all, kept, bit);
    // Arrivals of a step land at the offsets of the blocks that this rank gives away: disjoint.
    self.put(peer, halves.part(start(kept), sent.count), sent);
    self.notify(peer, arrived[round_of(bit)]);
    self.wait(arrived[round_of(bit)]);
    self.reduce(combined, halves.part(start(given), combined.count), op);
  }
  for (int bit = 1; bit < paired; bit *= 2) {
    const Rank peer{me ^ bit};
    const int held = me & -bit, missing = peer.index & -bit;
    self.put(peer, blocks(landing, held, bit), blocks(all, held, bit));
    self.notify(peer, arrived[round_of(bit)]);
    self.wait(arrived[round_of(bit)]);
    self.copy(blocks(all, missing, bit), blocks(landing, missing, bit));
  }
  if (has_partner) {
    self.put(Rank{me + paired}, folded, all);
    self.notify(Rank{me + paired}, arrived[fold]);
  }
}

}  // namespace peal
