// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "peal/base/error.h"
#include "peal/executors/sim/executor.h"
#include "peal/executors/sim/reserved_memory.h"
#include "peal/launch/platforms.h"
#include "peal/machine/barrier.h"

namespace peal {
namespace {

View floats(const Window& window, std::size_t count, std::size_t first = 0) {
  return window.view(first * sizeof(float), count, DType::f32);
}

float& at(const View& view, std::size_t i) { return reinterpret_cast<float*>(view.data)[i]; }

RunReport run(int ranks, const std::function<void(Device&)>& program,
              const RunOptions& options = {}) {
  SimExecutor executor(load_platform("a2a3"));
  return executor.run(
      ranks, [&](Team& team) { program(team.device()); }, options);
}

// Measured on one AIV core through a 4 KiB tile, in ticks of 20 ns: the figures that the platform
// file is fitted to.
TEST(Simulator, RemoteReadsTakeTheMeasuredTime) {
  Platform platform = load_platform("a2a3");
  platform.verbs.tile_bytes = 4096;
  const std::pair<std::size_t, double> measured[] = {
      {4096, 36.28}, {65536, 579.62}, {1048576, 9317.93}};
  for (const auto& [bytes, ticks] : measured) {
    SimExecutor executor(platform);
    Picoseconds elapsed = 0;
    executor.run(2,
                 [&, size = bytes](Team& team) {
                   const Window from = team.device().allocate("from", size);
                   const Window to = team.device().allocate("to", size);
                   if (team.rank() != 0) return;
                   team.device().get(floats(to, size / 4), Rank{1}, floats(from, size / 4));
                 },
                 {});
    elapsed = executor
                  .run(2,
                       [&, size = bytes](Team& team) {
                         const Window from = team.device().allocate("from", size);
                         const Window to = team.device().allocate("to", size);
                         if (team.rank() != 0) return;
                         team.device().get(floats(to, size / 4), Rank{1}, floats(from, size / 4));
                       },
                       {})
                  .time_ps;
    EXPECT_NEAR(static_cast<double>(elapsed) / 20000, ticks, ticks * 0.1) << bytes << " bytes";
  }
}

TEST(Simulator, PutsArriveBeforeTheNotifyThatFollows) {
  for (const char* schedule : {"virtual", "random:1", "random:2", "random:3", "random:4"}) {
    float seen = 0;
    run(2,
        [&](Device& self) {
          const Window window = self.allocate("window", 40000);
          const SignalRow arrived = self.allocate_signals("arrived", 1);
          std::vector<float> mine(10000, 3.0f);
          if (self.rank() == 0) {
            self.put(Rank{1}, floats(window, 10000), View::of(std::span(mine)));
            self.notify(Rank{1}, arrived[0]);
          } else {
            self.wait(arrived[0]);
            seen = at(floats(window, 10000), 9999);
          }
        },
        {.schedule = schedule});
    EXPECT_EQ(seen, 3.0f) << schedule;
  }
}

// Also where a drained store need not be visible.
TEST(Simulator, VerbsTakeEffectInOrderOnTheOwnMemory) {
  Platform platform = load_platform("a2a3");
  for (int seed = 0; seed < 40; ++seed) {
    platform.switches.drained_is_visible = seed % 2 == 0;
    SimExecutor(platform).run(
        1,
        [&](Team& team) {
          Device& self = team.device();
          std::vector<float> a(9000, 1.0f), b(9000, 2.0f), c(9000, 0.0f);
          const View va = View::of(std::span(a)), vb = View::of(std::span(b)),
                     vc = View::of(std::span(c));
          self.copy(vc, va);                                                              // c = 1
          self.reduce(vc, vb, ReduceOp::sum);                                             // c = 3
          self.copy(vb, vc);                                                              // b = 3
          self.copy(vc, va);                                                              // c = 1
          self.copy(va, vb);                                                              // a = 3
          self.reduce(va, {{Rank{0}, vc}, {Rank{0}, vb}, {Rank{0}, va}}, ReduceOp::sum);  // 7
          self.put_reduce(Rank{0}, va, vb, ReduceOp::max);                                // 7
          self.put_reduce(Rank{0}, va, vb, ReduceOp::prod);                               // 21
          self.flush();
          EXPECT_EQ(a, std::vector<float>(9000, 21.0f));
          EXPECT_EQ(b, std::vector<float>(9000, 3.0f));
          EXPECT_EQ(c, std::vector<float>(9000, 1.0f));
        },
        {.schedule = fmt::format("random:{}", seed)});
  }
}

// More stores than are remembered, then a reduce whose second destination is among them.
TEST(Simulator, StoresThatAreForgottenStayInOrder) {
  for (int seed = 0; seed < 60; ++seed) {
    run(1,
        [&](Device& self) {
          std::vector<float> from(40, 1.0f), to(80, 0.0f), sum(1, 5.0f), other(1, 0.0f);
          const auto single = [](std::vector<float>& of, std::size_t i) {
            return View::of(std::span(of).subspan(i, 1));
          };
          for (std::size_t i = 0; i < 16; ++i) self.copy(single(to, 2 * i), single(from, i));
          self.reduce({{Rank{0}, single(other, 0)}, {Rank{0}, single(to, 30)}},
                      {{Rank{0}, single(sum, 0)}}, ReduceOp::sum);
          self.flush();
          EXPECT_EQ(to[30], 5.0f) << "seed " << seed;
          EXPECT_EQ(other[0], 5.0f) << "seed " << seed;
        },
        {.schedule = fmt::format("random:{}", seed)});
  }
}

TEST(Simulator, PutReduceIsAtomicPerElement) {
  run(8,
      [&](Device& self) {
        const Window window = self.allocate("sum", 4000);
        const SignalRow arrived = self.allocate_signals("arrived", 1);
        const std::vector<float> mine(1000, static_cast<float>(self.rank()));
        std::vector<float> copy = mine;
        self.put_reduce(Rank{0}, floats(window, 1000), View::of(std::span(copy)), ReduceOp::sum);
        self.notify(Rank{0}, arrived[0]);
        if (self.rank() != 0) return;
        self.wait(arrived[0], 8);
        const auto sums = self.read(floats(window, 1000));
        float last = 0;
        std::memcpy(&last, sums.data() + 999 * sizeof(float), sizeof(float));
        EXPECT_EQ(last, 28.0f);
      },
      {.schedule = "random:9"});
}

TEST(Simulator, ReduceWritesToManyPlacesAtOnce) {
  run(3, [&](Device& self) {
    const Window window = self.allocate("window", 400);
    const SignalRow arrived = self.allocate_signals("arrived", 2);
    const View all = floats(window, 50), result = floats(window, 50, 50);
    for (std::size_t i = 0; i < 50; ++i) at(all, i) = static_cast<float>(self.rank() + 1);
    barrier(self, arrived);
    if (self.rank() == 1) {
      self.reduce(RankViews::on_every_rank(3, result), RankViews::on_every_rank(3, all),
                  ReduceOp::prod);
    }
    barrier(self, arrived);
    EXPECT_EQ(at(result, 49), 6.0f);
  });
}

TEST(Simulator, PollConsumesOnlyWhatHasArrived) {
  int misses = 0;
  run(2, [&](Device& self) {
    const SignalRow arrived = self.allocate_signals("arrived", 1);
    if (self.rank() == 0) {
      self.notify(Rank{1}, arrived[0], 2);
    } else {
      while (!self.poll(arrived[0], 2)) ++misses;
      EXPECT_FALSE(self.poll(arrived[0]));
    }
  });
  EXPECT_GT(misses, 0);
}

TEST(Simulator, ComputeTakesItsCycles) {
  bool ran = false;
  const RunReport report = run(1, [&](Device& self) {
    self.compute({.reads = {}, .writes = {}, .cycles = 1850000}, [&] { ran = true; });
  });
  EXPECT_TRUE(ran);
  EXPECT_NEAR(static_cast<double>(report.time_ps), 1e9, 1e5);
}

TEST(Simulator, TransfersShareALinkDirection) {
  const auto time_of = [](int readers_and_writers) {
    return run(2,
               [&](Device& self) {
                 const Window a = self.allocate("a", 1 << 20), b = self.allocate("b", 1 << 20);
                 if (self.rank() == 0) self.put(Rank{1}, floats(a, 1 << 18), floats(a, 1 << 18));
                 if (self.rank() == 1 && readers_and_writers == 2) {
                   self.get(floats(b, 1 << 18), Rank{0}, floats(b, 1 << 18));
                 }
               },
               {.values = false})
        .time_ps;
  };
  // A put by rank 0 and a get by rank 1 both carry data from 0 to 1.
  EXPECT_GT(time_of(2), time_of(1) * 3 / 2);
}

TEST(Simulator, SaysWhoWaitsAtADeadlock) {
  try {
    run(3, [](Device& self) {
      const SignalRow arrived = self.allocate_signals("arrived", 4);
      if (self.rank() == 2) return;
      if (self.rank() == 0) self.notify(Rank{1}, arrived[3]);
      self.wait(arrived[3], 2);
    });
    FAIL() << "no deadlock was found";
  } catch (const RunError& error) {
    const std::string text = error.what();
    EXPECT_TRUE(text.starts_with("deadlock: 2 of 3 ranks wait and nobody can wake them\n")) << text;
    EXPECT_NE(text.find("rank 0 waits for 2 arrivals at `arrived[3]`, 2 of them are missing   "
                        "tests/executors/sim/simulator_test.cpp:"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("rank 1 waits for 2 arrivals at `arrived[3]`, 1 of them are missing"),
              std::string::npos);
    EXPECT_NE(text.find("rank 2 finished"), std::string::npos);
  }
}

TEST(Simulator, AnExceptionOfOneRankEndsTheRunAndUnwindsTheOthers) {
  int unwound = 0;
  struct Counter {
    int& count;
    ~Counter() { ++count; }
  };
  SimExecutor executor(load_platform("a2a3"));
  for (int repeat = 0; repeat < 3; ++repeat) {
    unwound = 0;
    EXPECT_THROW(executor.run(4,
                              [&](Team& team) {
                                const Counter counter{unwound};
                                const SignalRow arrived =
                                    team.device().allocate_signals("arrived", 1);
                                if (team.rank() == 3)
                                  throw std::runtime_error("rank 3 has had enough");
                                team.device().wait(arrived[0]);
                              },
                              {}),
                 std::runtime_error);
    EXPECT_EQ(unwound, 4);
  }
  EXPECT_EQ(executor.run(2, [](Team&) {}, {}).ranks.size(), 2u);
}

// Programs may catch all exceptions, that which unwinds them included, and throw their own.
TEST(Simulator, AnUnwoundProgramMayThrowSomethingElse) {
  const auto message = [](bool one_fails) {
    try {
      run(3, [&](Device& self) {
        const SignalRow arrived = self.allocate_signals("arrived", 1);
        if (one_fails && self.rank() == 2) throw UsageError("rank 2 has had enough");
        try {
          self.wait(arrived[0]);
        } catch (...) {
          throw UsageError("translated");
        }
      });
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(message(true), "rank 2 has had enough");
  EXPECT_TRUE(message(false).starts_with("deadlock: 3 of 3 ranks wait"));
}

TEST(Simulator, EmptyViewsNeedNoMemory) {
  const RunReport report = run(2, [](Device& self) {
    const Rank peer{1 - self.rank()};
    self.put(peer, View{}, View{});
    self.get(View{}, peer, View{});
    self.reduce({{peer, View{}}}, {{Rank{self.rank()}, View{}}}, ReduceOp::sum);
    self.put_reduce(peer, View{}, View{}, ReduceOp::max);
  });
  EXPECT_EQ(report.ranks[0].sent_bytes, 0u);
}

TEST(Simulator, MemoryIsZeroInEveryRun) {
  SimExecutor executor(load_platform("a2a3"));
  for (int repeat = 0; repeat < 3; ++repeat) {
    executor.run(2,
                 [&](Team& team) {
                   for (std::size_t size : {std::size_t{100}, std::size_t{300000}}) {
                     const View view = team.allocate(size, DType::u8);
                     const auto sum = std::accumulate(view.data, view.data + size, 0,
                                                      [](int total, std::byte byte) {
                                                        return total + std::to_integer<int>(byte);
                                                      });
                     EXPECT_EQ(sum, 0);
                     std::memset(view.data, 1, size);
                   }
                 },
                 {});
  }
}

std::string message_of(const std::function<void(Device&)>& program) {
  try {
    run(2, program);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// What a verb says ends with the line of its call.
std::string refusal_of(const std::function<void(Device&)>& verb) {
  const std::string message = message_of(verb);
  const std::size_t place = message.rfind("   tests/executors/sim/simulator_test.cpp:");
  return place == std::string::npos ? "no line in: " + message : message.substr(0, place);
}

TEST(Simulator, RefusesWhatAVerbCannotDo) {
  std::vector<float> four(4), five(5);
  const View v4 = View::of(std::span(four)), v5 = View::of(std::span(five));
  EXPECT_EQ(refusal_of([&](Device& self) { self.copy(v4, v5); }),
            "copy on rank 0: destination of 4 f32 and source of 5 f32 differ; give views of equal "
            "length and type");
  EXPECT_EQ(refusal_of([&](Device& self) { self.put(Rank{2}, v4, v4); }),
            "put on rank 0: rank 2 is not one of the 2 ranks 0..1");
  EXPECT_EQ(refusal_of([&](Device& self) { self.put(Rank{1 - self.rank()}, v4, v4); }),
            "put on rank 0: 4 elements of rank 1's memory are not in a window; allocate them with "
            "Team::allocate or Device::allocate");
  EXPECT_EQ(message_of([&](Device& self) {
              static_cast<void>(self.allocate(self.rank() == 0 ? "a" : "b", 64));
            }),
            "window `b` of 64 bytes is allocation 0 of rank 1, but another rank's is `a` of 64 "
            "bytes; make the same allocations in the same order on every rank");
  EXPECT_EQ(
      refusal_of([&](Device& self) { self.notify(Rank{0}, self.allocate_signals("s", 1)[0], 0); }),
      "notify on rank 0: 0 arrivals asked for; the least is 1");
}

TEST(Simulator, RefusesRanksAndSchedules) {
  SimExecutor executor(load_platform("a2a3"));
  EXPECT_THROW(executor.run(0, [](Team&) {}, {}), Error);
  EXPECT_THROW(executor.run(65537, [](Team&) {}, {}), Error);
  for (const char* text : {"", "random", "random:", "random:x", "random:1x", "round_robin"}) {
    EXPECT_THROW(executor.run(1, [](Team&) {}, {.schedule = text}), Error) << text;
  }
}

struct Recorder final : EventReader {
  void read(const Event& event) override { events.push_back(event); }
  std::vector<Event> events;
};

TEST(Simulator, EventsAreTheSameInEveryRun) {
  const auto record = [](const std::string& schedule) {
    Recorder recorder;
    run(4,
        [](Device& self) {
          const Window window = self.allocate("window", 4096);
          const SignalRow rounds = self.allocate_signals("rounds", 2);
          const Rank next{(self.rank() + 1) % 4};
          self.put(next, floats(window, 100), floats(window, 100, 100));
          barrier(self, rounds);
          self.reduce(floats(window, 100), floats(window, 100, 200), ReduceOp::sum);
        },
        {.schedule = schedule, .readers = {&recorder}});
    return recorder.events;
  };
  for (const char* schedule : {"virtual", "random:5"}) {
    const auto first = record(schedule);
    // What the first run gave back to the system is in use when the second one starts.
    std::vector<ZeroPages> elsewhere;
    for (int i = 0; i < 64; ++i) elsewhere.push_back(ZeroPages::map(std::size_t{1} << 18));
    const auto second = record(schedule);
    ASSERT_EQ(first.size(), second.size());
    ASSERT_GT(first.size(), 50u);
    for (std::size_t i = 0; i < first.size(); ++i) {
      EXPECT_EQ(first[i].kind, second[i].kind);
      EXPECT_EQ(first[i].rank, second[i].rank);
      EXPECT_EQ(first[i].begin, second[i].begin);
      EXPECT_EQ(first[i].address, second[i].address);
      EXPECT_EQ(first[i].place.line, second[i].place.line);
    }
  }
}

}  // namespace
}  // namespace peal
