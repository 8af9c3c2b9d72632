// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/collectives/collectives.h"
#include "peal/launch/launch.h"

namespace peal {
namespace {

std::string packets_failure(const std::string& platform,
                            const std::function<void(Team&)>& program) {
  try {
    static_cast<void>(open_executor(platform)->run(2, program, {}));
  } catch (const Error& error) {
    return error.what();
  }
  return "no failure";
}

class PacketsOn : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Platforms, PacketsOn, testing::Values("hostsim", "a2a3sim", "shm"),
                         [](const auto& test) { return std::string(test.param); });

// Around every border of a line, and lengths that follow one another on the same place.
TEST_P(PacketsOn, BringWhatWasPutAtAnyLength) {
  const std::string failure = packets_failure(GetParam(), [](Team& team) {
    Device& self = team.device();
    const PacketRow packets = self.allocate_packets("packets", 3);
    const Signal taken = self.allocate_signals("taken", 1)[0];
    const Rank other{1 - self.rank()};
    const View from = team.allocate(Packets::max_bytes, DType::u8);
    const View to = team.allocate(Packets::max_bytes + 1, DType::u8);
    int round = 0;
    for (std::size_t length : {0, 1, 8, 55, 56, 57, 111, 112, 113, 1000, 2071, 2072, 3, 0, 2072}) {
      const Packets place = packets[round % 3];
      for (std::size_t i = 0; i < length; ++i) {
        self.write(from)[i] = static_cast<std::byte>(i * 7 + static_cast<std::size_t>(round));
      }
      self.write(to)[length] = std::byte{99};
      self.put_packets(other, place, from.part(0, length));
      self.take_packets(to.part(0, length), place);
      for (std::size_t i = 0; i < length; ++i) {
        if (self.read(to)[i] != static_cast<std::byte>(i * 7 + static_cast<std::size_t>(round))) {
          throw UsageError(fmt::format("byte {} of {} is wrong", i, length));
        }
      }
      if (self.read(to)[length] != std::byte{99}) throw UsageError("more was written than came");
      self.notify(other, taken);
      self.wait(taken);
      ++round;
    }
  });
  EXPECT_EQ(failure, "no failure");
}

TEST_P(PacketsOn, AreRefusedWhereTheyDoNotFit) {
  const auto has = [](const std::string& failure, const char* text) {
    EXPECT_NE(failure.find(text), std::string::npos) << failure;
  };
  const auto row = [](Team& team) { return team.device().allocate_packets("row", 2); };
  has(packets_failure(GetParam(),
                      [&](Team& team) {
                        const View data = team.allocate(519, DType::i32);
                        team.device().put_packets(Rank{1}, row(team)[0], data);
                      }),
      ": 2076 bytes; packets take at most 2072: put the rest apart");
  has(packets_failure(
          GetParam(),
          [&](Team& team) { team.device().put_packets(Rank{2}, row(team)[0], View{}); }),
      ": rank 2 is not one of the 2 ranks 0..1");
  has(packets_failure(GetParam(), [&](Team& team) { static_cast<void>(row(team)[2]); }),
      "row of packets: place 2 is not one of its 2; use 0 to 1, or allocate a longer row");
}

// One rank awaits more than the other one puts.
TEST(Packets, OfAnotherLengthAreAnError) {
  const std::string failure = packets_failure("shm", [](Team& team) {
    const PacketRow row = team.device().allocate_packets("row", 1);
    std::vector<float> data(team.rank() == 0 ? 3 : 100);
    const View view = View::of(std::span(data));
    team.device().put_packets(Rank{1 - team.rank()}, row[0], view);
    team.device().take_packets(view, row[0]);
  });
  EXPECT_NE(failure.find("is for packets of more than 56 bytes, and fewer were put"),
            std::string::npos)
      << failure;
}

TEST(Packets, ThatWereOverwrittenAreAnError) {
  const std::string failure = packets_failure("shm", [](Team& team) {
    Device& self = team.device();
    const Packets place = self.allocate_packets("row", 1)[0];
    const Signal done = self.allocate_signals("done", 1)[0];
    std::vector<float> data(5);
    if (self.rank() == 0) {
      for (int i = 0; i < 2; ++i) self.put_packets(Rank{1}, place, View::of(std::span(data)));
      return self.notify(Rank{1}, done);
    }
    self.wait(done);
    self.take_packets(View::of(std::span(data)), place);
  });
  EXPECT_NE(failure.find("overwritten by a later put"), std::string::npos) << failure;
}

TEST(Packets, ThatNobodyPutsAreNamedInADeadlock) {
  const std::string failure = packets_failure("shm", [](Team& team) {
    Device& self = team.device();
    const PacketRow row = self.allocate_packets("letters", 3);
    std::vector<float> data(5);
    const Signal taken = self.allocate_signals("taken", 1)[0];
    const Rank other{1 - self.rank()};
    for (int round = 0; round < 3; ++round) {
      self.put_packets(other, row[2], View::of(std::span(data)));
      self.take_packets(View::of(std::span(data)), row[2]);
      self.notify(other, taken);
      self.wait(taken);
    }
    self.take_packets(View::of(std::span(data)), row[2]);
  });
  EXPECT_NE(failure.find("for 1 arrival"), std::string::npos) << failure;
  EXPECT_NE(failure.find("`letters[2]`"), std::string::npos) << failure;
}

// A call is not looked into again when it is just like the last; one that differs is.
TEST_P(PacketsOn, AndCallsThatDifferInLittleAreNotTakenForTheLast) {
  const std::string failure = packets_failure(GetParam(), [](Team& team) {
    const View send = team.allocate(40, DType::i32), recv = team.allocate(40, DType::i32);
    const auto elements = [](const View& view) {
      return std::span(reinterpret_cast<std::int32_t*>(view.data), view.count);
    };
    const auto expect = [&](std::size_t at, std::int32_t value) {
      if (elements(recv)[at] != value) {
        throw UsageError(fmt::format("{} instead of {}", elements(recv)[at], value));
      }
    };
    std::iota(elements(send).begin(), elements(send).end(), 1 + team.rank());
    for (int round = 0; round < 3; ++round) {
      all_reduce(team, {.send = send, .recv = recv});
      expect(39, 81);
      all_reduce(team, {.send = send, .recv = recv, .op = ReduceOp::max});
      expect(39, 41);
      all_reduce(team, {.send = send.part(1, 39), .recv = recv.part(0, 39)});
      expect(38, 81);
      all_reduce(team, {.send = send.part(0, 39), .recv = recv.part(0, 39)});
      expect(38, 79);
      all_reduce(team, {.send = send, .recv = recv, .algorithm = "ring"});
      expect(0, 3);
      broadcast(team, {.send = send, .recv = recv, .root = 1});
      expect(0, 2);
      broadcast(team, {.send = send, .recv = recv, .root = 0});
      expect(0, 1);
    }
  });
  EXPECT_EQ(failure, "no failure");
}

}  // namespace
}  // namespace peal
