// SPDX-License-Identifier: Apache-2.0
// Verbs that write past the caches, as they do where all ranks together move more than these hold,
// or where the ranks are known to be far from each other.
#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <vector>

#include "peal/machine/barrier.h"
#include "tests/thread/arena_ranks.h"

namespace peal {
namespace {

std::span<std::int32_t> integers(const View& view) {
  return {reinterpret_cast<std::int32_t*>(view.data), view.count};
}

// What rank `from` gives at `i` in a round.
std::int32_t given(int from, int round, std::size_t i) {
  return 1000 * from + 17 * round + static_cast<std::int32_t>(i);
}

// Every rank writes to every other one's window by put, by reduce and by copies of what it got, and
// looks at what has come.
void write_everywhere(Device& self, std::size_t length, const TransferHint& hint) {
  const int me = self.rank(), ranks = self.ranks();
  const auto parts_count = static_cast<std::size_t>(ranks);
  const SignalRow rounds = self.allocate_signals("rounds", barrier_rounds(ranks));
  const auto window = [&](const char* name) {
    return Chunks(self.allocate(name, parts_count * length * 4 + 64)
                      .view(0, parts_count * length, DType::i32),
                  ranks);
  };
  const Chunks from = window("from"), put = window("put"), sums = window("sums");
  std::vector<std::int32_t> got(length), copied(length);
  self.set_transfer_hint(hint);
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < length; ++i) integers(from[me])[i] = given(me, round, i);
    barrier(self, rounds);
    RankViews parts, results;
    for (int peer = 0; peer < ranks; ++peer) {
      self.put(Rank{peer}, put[me], from[me]);
      parts.add({Rank{peer}, from[peer]});
      results.add({Rank{peer}, sums[me]});
    }
    self.reduce(results, parts, ReduceOp::sum);
    barrier(self, rounds);
    for (int peer = 0; peer < ranks; ++peer) {
      const View got_view = View::of(std::span(got)), copy_view = View::of(std::span(copied));
      self.get(got_view, Rank{peer}, from[peer]);
      self.copy(copy_view, put[peer]);
      for (std::size_t i = 0; i < length; ++i) {
        ASSERT_EQ(got[i], given(peer, round, i));
        ASSERT_EQ(copied[i], given(peer, round, i));
        std::int32_t sum = 0;
        for (int rank = 0; rank < ranks; ++rank) sum += given(rank, round, i);
        ASSERT_EQ(integers(sums[peer])[i], sum);
      }
    }
    barrier(self, rounds);
  }
}

TEST(Streams, WriteTheSame) {
  for (const int ranks : {1, 2, 3}) {
    for (const std::size_t length : {0u, 1u, 1023u, 1024u, 5001u, 60'001u}) {
      for (const std::size_t cache_bytes : {std::size_t{0}, SIZE_MAX}) {
        for (const bool lacks_shared_cache : {false, true}) {
          const ShmArena arena = ShmArena::make(ranks);
          arena.control().cache_bytes = cache_bytes;
          run_ranks(arena, {.pauses = 10, .yields = 10}, 0, [&](Device& self) {
            write_everywhere(self, length,
                             {.moved_bytes = 1, .lacks_shared_cache = lacks_shared_cache});
          });
        }
      }
    }
  }
}

}  // namespace
}  // namespace peal
