// SPDX-License-Identifier: Apache-2.0
// Every verb of a device between ranks that are threads, in programs that are right; races_test.cpp
// has those that are wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/collectives/collectives.h"
#include "peal/executors/shm/executor.h"
#include "peal/executors/shm/transfer/transfer.h"
#include "peal/launch/platforms.h"
#include "peal/machine/barrier.h"

namespace peal {
namespace {

using Elements = std::span<std::int32_t>;

Elements elements(const View& view) {
  return {reinterpret_cast<std::int32_t*>(view.data), view.count};
}

class ThreadVerbs : public testing::TestWithParam<int> {
 protected:
  void run(const std::function<void(Team&)>& program, const RunOptions& options = {}) {
    executor_.run(GetParam(), program, options);
  }

  ShmExecutor executor_{load_platform("host"), ShmExecutor::Ranks::threads};
};

INSTANTIATE_TEST_SUITE_P(Ranks, ThreadVerbs, testing::Values(1, 2, 3, 4, 7));

// Ranks throw where a value is wrong, which fails the run.
void expect(std::int32_t value, std::int32_t expected) {
  if (value != expected) {
    throw UsageError(std::to_string(value) + " where " + std::to_string(expected) + " is right");
  }
}

// Round by round each rank writes to the next one, which gives its inbox back when it has read it.
TEST_P(ThreadVerbs, PutsAreSeenByWhoeverWaitsForThem) {
  const auto program = [](Team& team) {
    Device& self = team.device();
    const View outbox = team.allocate(700, DType::i32), inbox = team.allocate(700, DType::i32);
    const SignalRow arrived = self.allocate_signals("arrived", 1);
    const SignalRow emptied = self.allocate_signals("emptied", 1);
    const int me = self.rank(), ranks = self.ranks();
    const Rank next{(me + 1) % ranks}, previous{(me + ranks - 1) % ranks};
    for (int round = 0; round < 40; ++round) {
      if (round > 0) self.wait(emptied[0]);
      std::iota(elements(outbox).begin(), elements(outbox).end(), round * 1000 + me);
      self.put(next, inbox, outbox);
      self.notify(next, arrived[0]);
      if (round % 2 == 0) {
        self.wait(arrived[0]);
      } else {
        while (!self.poll(arrived[0])) std::this_thread::yield();
      }
      expect(elements(inbox).front(), round * 1000 + previous.index);
      expect(elements(inbox).back(), round * 1000 + previous.index + 699);
      self.notify(previous, emptied[0]);
    }
    self.wait(emptied[0]);
  };
  for (std::uint32_t start : {0u, 0x7ffffff0u, 0xfffffff0u}) run(program, {.signal_start = start});
}

// Every rank reads and sums what all have written, which they change when all have.
TEST_P(ThreadVerbs, GetsAndReductionsReadWhatWasThereBefore) {
  run([](Team& team) {
    Device& self = team.device();
    const View mine = team.allocate(333, DType::i32), got = team.allocate(333, DType::i32);
    const View sum = team.allocate(333, DType::i32);
    const SignalRow rounds = self.allocate_signals("rounds", barrier_rounds(self.ranks()));
    const int me = self.rank(), ranks = self.ranks();
    for (int round = 0; round < 20; ++round) {
      for (std::int32_t& element : elements(mine)) element = me + round;
      barrier(self, rounds);
      const Rank peer{(me + round) % ranks};
      self.get(got, peer, mine);
      expect(elements(got).back(), peer.index + round);
      RankViews all;
      for (int rank = 0; rank < ranks; ++rank) all.add({Rank{rank}, mine});
      self.reduce(sum, all, ReduceOp::sum);
      expect(elements(sum).front(), ranks * round + ranks * (ranks - 1) / 2);
      self.copy(got, sum);
      self.reduce(got, sum, ReduceOp::max);
      self.flush();
      barrier(self, rounds);
    }
  });
}

TEST_P(ThreadVerbs, SmallDataComesInTheLineOfItsSignal) {
  run([](Team& team) {
    Device& self = team.device();
    const SignalRow cells = self.allocate_signals("cells", 2), back = self.allocate_signals("b", 1);
    const Rank next{(self.rank() + 1) % self.ranks()};
    const Rank previous{(self.rank() + self.ranks() - 1) % self.ranks()};
    std::vector<std::int32_t> own(SignalCell::payload_bytes / sizeof(std::int32_t));
    for (int round = 0; round < 60; ++round) {
      const Signal cell = cells[round % 2];
      if (round > 1) self.wait(back[0]);
      std::fill(own.begin(), own.end(), round + self.rank());
      const View slot = payload(cell, own.size(), DType::i32);
      self.put_notify(next, slot, View::of(std::span(own)), cell);
      self.wait(cell);
      const std::span<const std::byte> bytes = self.read(slot);
      expect(reinterpret_cast<const std::int32_t*>(bytes.data())[own.size() - 1],
             round + previous.index);
      self.notify(previous, back[0]);
    }
  });
}

// Two places in turn, so that a rank can be one round ahead of the one that it puts to.
TEST_P(ThreadVerbs, PacketsAreSeenByWhoeverTakesThem) {
  const auto program = [](Team& team) {
    Device& self = team.device();
    const PacketRow packets = self.allocate_packets("packets", 2);
    const Signal taken = self.allocate_signals("taken", 1)[0];
    const Rank next{(self.rank() + 1) % self.ranks()};
    const Rank previous{(self.rank() + self.ranks() - 1) % self.ranks()};
    std::vector<std::int32_t> own(518), got(518);
    for (int round = 0; round < 60; ++round) {
      const Packets place = packets[round % 2];
      const std::size_t length = std::array<std::size_t, 6>{0, 1, 14, 15, 100, 518}[round % 6];
      if (round > 1) self.wait(taken);
      std::iota(own.begin(), own.end(), round * 1000 + self.rank());
      self.put_packets(next, place, View::of(std::span(own).first(length)));
      self.take_packets(View::of(std::span(got).first(length)), place);
      for (std::size_t i = 0; i < length; ++i) {
        expect(got[i], round * 1000 + previous.index + static_cast<std::int32_t>(i));
      }
      self.notify(previous, taken);
    }
  };
  for (std::uint32_t start : {0u, 0x7ffffff0u, 0xfffffff0u}) run(program, {.signal_start = start});
}

TEST_P(ThreadVerbs, PacketsOfAllAreCombined) {
  run([](Team& team) {
    Device& self = team.device();
    const int me = self.rank(), ranks = self.ranks();
    const PacketRow rows[] = {self.allocate_packets("a", ranks), self.allocate_packets("b", ranks)};
    std::vector<std::int32_t> own(301);
    for (int round = 0; round < 40; ++round) {
      const PacketRow& row = rows[round % 2];
      const View mine = View::of(std::span(own).first(round % 2 == 0 ? 301 : 9));
      std::iota(own.begin(), own.end(), round + me);
      for (int step = 1; step < ranks; ++step) self.put_packets(self.ahead(step), row[me], mine);
      self.reduce_packets(mine, mine, row, ReduceOp::sum);
      for (int i = 0; i < static_cast<int>(mine.count); ++i) {
        expect(own[static_cast<std::size_t>(i)], ranks * (round + i) + ranks * (ranks - 1) / 2);
      }
    }
  });
}

TEST_P(ThreadVerbs, CombiningIntoAPeersMemoryIsAtomic) {
  run([](Team& team) {
    Device& self = team.device();
    const View sum = team.allocate(9, DType::i32), mine = team.allocate(9, DType::i32);
    const SignalRow done = self.allocate_signals("done", 1);
    std::iota(elements(mine).begin(), elements(mine).end(), self.rank());
    for (int i = 0; i < 200; ++i) self.put_reduce(Rank{0}, sum, mine, ReduceOp::sum);
    self.notify(Rank{0}, done[0]);
    if (self.rank() != 0) return;
    self.wait(done[0], self.ranks());
    const int ranks = self.ranks();
    for (int i = 0; i < 9; ++i) {
      expect(elements(sum)[static_cast<std::size_t>(i)],
             200 * (ranks * i + ranks * (ranks - 1) / 2));
    }
  });
}

// Streaming stores are what a device uses for more than the caches hold; here they are asked for.
TEST_P(ThreadVerbs, StreamingStoresAreSeenByWhoeverIsNotifiedOfThem) {
  std::vector<std::int32_t> from(5003), copied(5003), sums(5003), others(5003);
  run([&](Team& team) {
    Device& self = team.device();
    const SignalRow rounds = self.allocate_signals("rounds", barrier_rounds(self.ranks()));
    const std::size_t bytes = from.size() * sizeof(from[0]);
    const auto at = [](auto& vector) { return std::as_writable_bytes(std::span(vector)).data(); };
    for (int round = 0; round < 7; ++round) {
      if (self.rank() == round % self.ranks()) {
        std::iota(from.begin(), from.end(), round);
        copy_bytes(at(copied), at(from), bytes, Stores::streaming);
        const std::array<std::byte*, 2> dsts = {at(sums), at(others)};
        const std::array<const std::byte*, 2> srcs = {at(from), at(copied)};
        reduce_elements({.dsts = dsts,
                         .srcs = srcs,
                         .count = from.size(),
                         .dtype = DType::i32,
                         .op = ReduceOp::sum,
                         .streamed = 2});
      }
      barrier(self, rounds);
      expect(copied.back(), round + 5002);
      expect(sums.front(), 2 * round);
      expect(others.back(), 2 * (round + 5002));
      barrier(self, rounds);
    }
  });
}

// Rows, columns and the whole team take turns; parts are divided again.
TEST_P(ThreadVerbs, TeamsAreDivided) {
  run([](Team& team) {
    const auto row = team.split(team.rank() / 2),
               column = team.split(team.rank() % 2, -team.rank());
    const auto some = team.split(team.rank() == 0 ? -1 : 0);
    const auto again = row->split(0, -row->rank());
    std::vector<std::int32_t> own(300), sum(300);
    for (int round = 0; round < 5; ++round) {
      for (Team* part : {row.get(), &team, column.get(), again.get(), some.get()}) {
        if (part == nullptr) continue;
        std::fill(own.begin(), own.end(), round);
        all_reduce(*part, {.send = own, .recv = sum});
        expect(sum.back(), round * part->size());
        broadcast(*part, {.send = own, .recv = sum, .root = part->size() - 1});
        expect(sum.front(), round);
      }
    }
  });
}

// The list of allocations is continued elsewhere after 63 of them.
TEST_P(ThreadVerbs, ManyAllocationsAreMadeAlike) {
  run([](Team& team) {
    const SignalRow rounds =
        team.device().allocate_signals("rounds", barrier_rounds(team.device().ranks()));
    std::vector<View> views;
    for (std::size_t i = 1; i <= 200; ++i) views.push_back(team.allocate(i, DType::i32));
    const Rank next{(team.rank() + 1) % team.size()};
    const int previous = (team.rank() + team.size() - 1) % team.size();
    std::vector<std::int32_t> own(200, team.rank());
    for (const View& view : views) {
      team.device().put(next, view, View::of(std::span(own).first(view.count)));
    }
    barrier(team.device(), rounds);
    for (const View& view : views) expect(elements(view).back(), previous);
    barrier(team.device(), rounds);
  });
}

TEST_P(ThreadVerbs, ARankThatFailsEndsTheOthersWaits) {
  const int last = GetParam() - 1;
  try {
    run([&](Team& team) {
      const SignalRow never = team.device().allocate_signals("never", 1);
      if (team.rank() == last) throw std::runtime_error("no more");
      team.device().wait(never[0]);
    });
    FAIL() << "it has run";
  } catch (const RunError& error) {
    EXPECT_EQ(error.what(), "rank " + std::to_string(last) + ": no more");
  }
}

}  // namespace
}  // namespace peal
