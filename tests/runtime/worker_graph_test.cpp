// SPDX-License-Identifier: Apache-2.0
// Order between tasks: what the values are, however the devices are scheduled.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/worker_run.h"

namespace peal {
namespace {

const std::vector<std::string> schedules = {"virtual", "random:1", "random:2", "random:3"};

// x = factor x + summand for each element of argument 0, after `cycles`; a step that does not
// commute with others, so that values tell the order.
Callable affine() {
  return device_function("affine", [](Device& self, const TaskArguments& args) {
    const View all = args.view(0);
    self.compute({.reads = {all}, .writes = {all}, .cycles = args.scalar<std::int64_t>(3)}, [&] {
      for (std::int64_t& value : args.elements<std::int64_t>(0)) {
        value = value * args.scalar<std::int64_t>(1) + args.scalar<std::int64_t>(2);
      }
    });
  });
}

Args step(const Array& array, std::int64_t factor, std::int64_t summand, std::int64_t cycles = 0) {
  return Args{}.inout(array).scalar(factor).scalar(summand).scalar(cycles);
}

// out = in.
Callable mover() {
  return device_function("mover", [](Device& self, const TaskArguments& args) {
    self.copy(args.view(0), args.view(1));
  });
}

using Integers = std::vector<std::int64_t>;

TEST(WorkerGraph, ReadsAndWritesOfABufferKeepTheirOrder) {
  for (const std::string& schedule : schedules) {
    Worker worker = started(on_devices({5, 2}, schedule));
    const CallableHandle change = worker.add(affine()), move = worker.add(mover());
    const Buffer a = worker.allocate({.device = 5, .dtype = DType::i64, .count = 8});
    const Buffer b = worker.allocate({.device = 5, .dtype = DType::i64, .count = 8});
    Integers host(8), seen(8), part_seen(4);
    worker.run([&](Orchestrator& orch) {
      orch.submit(change, step(a, 0, 1, 100'000), 5);      // a = 1
      orch.submit(move, Args{}.out(b).in(a), 5);           // read after write: b = 1
      orch.submit(change, step(a, 10, 2), 5);              // write after read: a = 12
      orch.copy(host, a);                                  // 12
      orch.submit(change, step(host, 10, 3, 100'000), 2);  // 123, on another device
      orch.copy(a, host);                                  // write after read: a = 123
      orch.submit(change, step(a.part(4, 4), 10, 4), 5);   // the second half 1234
      orch.submit(change, step(a.part(2, 4), 10, 5), 5);   // the middle 1235, 12345
      orch.copy(part_seen, a.part(3, 4));
      orch.submit(change, step(a, 0, 7, 100'000), 5);  // write after write: 7
      orch.copy(a.part(0, 4), host.empty() ? a.part(0, 4) : a.part(4, 4));
      orch.submit(change, step(a.part(0, 1), 10, 8), 5);
      orch.copy(seen, a);
    });
    EXPECT_EQ(host, Integers(8, 123)) << schedule;
    EXPECT_EQ(part_seen, (Integers{1235, 12345, 12345, 1234})) << schedule;
    EXPECT_EQ(seen, (Integers{78, 7, 7, 7, 7, 7, 7, 7})) << schedule;
    Integers of_b(8);
    worker.copy_from(of_b, b);
    EXPECT_EQ(of_b, Integers(8, 1));
  }
}

TEST(WorkerGraph, SpansOfOneVectorThatOverlapKeepTheirOrder) {
  for (const std::string& schedule : schedules) {
    Worker worker = started(on_devices({5, 2, 9}, schedule));
    const CallableHandle change = worker.add(affine());
    Integers v(30), expected(30);
    const std::vector<std::array<std::size_t, 2>> spans = {{0, 30}, {0, 10},  {5, 15}, {20, 30},
                                                           {9, 21}, {29, 30}, {0, 1},  {1, 29}};
    worker.run([&](Orchestrator& orch) {
      for (std::int64_t round = 0; round < 24; ++round) {
        const auto [begin, end] = spans[static_cast<std::size_t>(round) % spans.size()];
        const auto part = std::span(v).subspan(begin, end - begin);
        const std::int64_t cycles = round % 3 == 0 ? 50'000 : 10;
        orch.submit(change, step(part, 3, round, cycles),
                    worker.devices()[static_cast<std::size_t>(round) % 3]);
        for (std::size_t i = begin; i < end; ++i) expected[i] = expected[i] * 3 + round;
      }
    });
    EXPECT_EQ(v, expected) << schedule;
  }
}

TEST(WorkerGraph, AfterOrdersWhatTouchesNothing) {
  for (const std::string& schedule : schedules) {
    Worker worker = started(on_devices({5, 2}, schedule));
    std::string order;
    const CallableHandle note =
        worker.add(device_function("note", [&order](Device& self, const TaskArguments& args) {
          const std::int64_t cycles = args.scalar<std::int64_t>(1);
          self.compute({.reads = {}, .writes = {}, .cycles = cycles}, [] {});
          self.flush();
          order += args.scalar<char>(0);
        }));
    worker.run([&](Orchestrator& orch) {
      const Task a = orch.submit(note, Args{}.scalar('a').scalar(100'000), 5);
      const Task b = orch.submit(note, Args{}.scalar('b').scalar(1).after(a), 2);
      const Task c = orch.submit_sub([&] { order += 'c'; }, Args{}.after(b).after(a).after(b));
      orch.submit(note, Args{}.scalar('d').scalar(1).after(c), 5);
      EXPECT_EQ(c.number(), 2u);
    });
    EXPECT_EQ(order, "abcd");
  }
}

// Without dependencies the quick tasks on one device end before the slow one on the other; what
// each changes of host memory is kept.
TEST(WorkerGraph, NoDepWaitsForNothing) {
  Worker worker = started(on_devices({5, 2}));
  const CallableHandle change = worker.add(affine());
  Integers v(2, 1);
  const CallableHandle own_half =
      worker.add(device_function("own_half", [](Device& self, const TaskArguments& args) {
        self.compute({.reads = {}, .writes = {}, .cycles = 1000}, [] {});
        const auto at = static_cast<std::size_t>(args.scalar<int>(1));
        const std::int64_t value = 40 + static_cast<std::int64_t>(at);
        std::memcpy(self.write(args.view(0).part(at, 1)).data(), &value, sizeof(value));
      }));
  const GraphReport report = worker.run([&](Orchestrator& orch) {
    orch.submit(own_half, Args{}.no_dep(v).scalar(0), 5);
    orch.submit(own_half, Args{}.no_dep(v).scalar(1), 2);
  });
  EXPECT_EQ(v, (Integers{40, 41}));
  EXPECT_EQ(report.tasks[0].begin_ps, report.tasks[1].begin_ps);
  EXPECT_LT(report.time_ps, report.serial_ps);
  const GraphReport ordered = worker.run([&](Orchestrator& orch) {
    orch.submit(change, step(v, 1, 0, 1000), 5);
    orch.submit(change, step(v, 1, 0, 1000), 2);
  });
  EXPECT_EQ(ordered.time_ps, ordered.serial_ps);
  EXPECT_EQ(ordered.time_ps, ordered.critical_path_ps);
}

// Adds the rank's argument 0 and that of the next rank, into argument 1.
Callable neighbours() {
  return device_function("neighbours", [](Device& self, const TaskArguments& args) {
    const SignalRow row = self.allocate_signals("ready", 1);
    const int ranks = self.ranks();
    self.notify(Rank{(self.rank() + ranks - 1) % ranks}, row[0]);
    self.wait(row[0]);
    self.reduce(
        args.view(1),
        {{Rank{self.rank()}, args.view(0)}, {Rank{(self.rank() + 1) % ranks}, args.view(0)}},
        ReduceOp::sum);
  });
}

TEST(WorkerGraph, WindowsOfSeveralDomainsThatOverlapAreApart) {
  for (const std::string& schedule : schedules) {
    Worker worker = started(on_devices({5, 2, 9, 0}, schedule));
    const CallableHandle change = worker.add(affine()), sum = worker.add(neighbours());
    const std::vector<std::vector<int>> members = {{5, 2}, {2, 5, 9}, {9, 0}, {0}, {0, 9, 2, 5}};
    for (int round = 0; round < 3; ++round) {  // memory is used again, and is zero again
      std::vector<std::vector<Integers>> before(members.size()), after(members.size());
      std::vector<std::vector<std::int64_t>> starts(members.size());
      worker.run([&](Orchestrator& orch) {
        std::vector<Domain> domains;
        for (std::size_t d = 0; d < members.size(); ++d) {
          domains.push_back(orch.allocate_domain(
              {.name = "d" + std::to_string(d),
               .devices = members[d],
               .window_bytes = 4096,
               .buffers = {{"odd", DType::u8, 3}, {"x", DType::i64, 5}, {"y", DType::i64, 5}}}));
          const Domain& domain = domains.back();
          EXPECT_EQ(domain.size(), static_cast<int>(members[d].size()));
          before[d].assign(members[d].size(), Integers(512));
          after[d].assign(members[d].size(), Integers(5));
          for (int rank = 0; rank < domain.size(); ++rank) {
            const auto at = static_cast<std::size_t>(rank);
            EXPECT_EQ(domain.on_device(members[d][at]).rank(), rank);
            for (const char* name : {"odd", "x", "y"}) {
              EXPECT_EQ(
                  reinterpret_cast<std::uintptr_t>(domain[rank].buffer(name).view().data) % 64, 0u);
            }
            EXPECT_EQ(domain[rank].window().count(), 4096u);
            const auto bytes =
                std::span(reinterpret_cast<std::uint8_t*>(before[d][at].data()), 4096);
            orch.copy(bytes, domain[rank].window());
            orch.submit(change,
                        step(domain[rank].buffer("x"), 1,
                             static_cast<std::int64_t>(10 * d) + rank + 1, 1000 * rank),
                        members[d][at]);
          }
        }
        for (std::size_t d = members.size(); d-- > 0;) {
          orch.submit_group(sum, members[d], [&](int rank) {
            const DomainMember own = domains[d][rank];
            return Args{}.in(own.buffer("x")).out(own.buffer("y")).context(own);
          });
          for (int rank = 0; rank < domains[d].size(); ++rank) {
            orch.copy(after[d][static_cast<std::size_t>(rank)], domains[d][rank].buffer("y"));
          }
        }
        domains.clear();  // what has been submitted still uses them
      });
      for (std::size_t d = 0; d < members.size(); ++d) {
        const std::size_t ranks = members[d].size();
        for (std::size_t rank = 0; rank < ranks; ++rank) {
          const auto next = static_cast<std::int64_t>((rank + 1) % ranks);
          EXPECT_EQ(before[d][rank], Integers(512, 0)) << "d" << d << " rank " << rank;
          const auto ten = static_cast<std::int64_t>(10 * d);
          EXPECT_EQ(after[d][rank],
                    Integers(5, 2 * ten + static_cast<std::int64_t>(rank) + 1 + next + 1))
              << "d" << d << " rank " << rank << " " << schedule;
        }
      }
    }
  }
}

TEST(WorkerGraph, GroupsOnTheSameDevicesInOtherOrdersDoNotLockEachOther) {
  for (const std::string& schedule : schedules) {
    Worker worker = started(on_devices({5, 2, 9}, schedule));
    const CallableHandle reduce = worker.add(collective("all_reduce"));
    std::vector<std::vector<float>> v(3, std::vector<float>(100, 1));
    const std::vector<std::vector<int>> orders = {{5, 2, 9}, {9, 2, 5}, {2, 9}, {5, 9}, {2, 5, 9}};
    const GraphReport report = worker.run([&](Orchestrator& orch) {
      std::vector<Domain> domains;
      for (std::size_t d = 0; d < orders.size(); ++d) {
        domains.push_back(orch.allocate_domain({"d" + std::to_string(d), orders[d], 64}));
      }
      for (int round = 0; round < 4; ++round) {
        for (const Domain& domain : domains) {
          // Not in the order of the ranks.
          std::vector<int> devices = domain.devices();
          std::rotate(devices.begin(), devices.begin() + round % domain.size(), devices.end());
          orch.submit_group(reduce, devices, [&](int member) {
            const auto device = devices[static_cast<std::size_t>(member)];
            const std::size_t at = device == 5 ? 0 : device == 2 ? 1 : 2;
            return Args{}.inout(v[at]).context(domain.on_device(device));
          });
        }
      }
    });
    EXPECT_EQ(report.failures(), 0u);
    std::array<double, 3> model = {1, 1, 1};
    for (int round = 0; round < 4; ++round) {
      for (const std::vector<std::size_t>& places :
           std::vector<std::vector<std::size_t>>{{0, 1, 2}, {0, 1, 2}, {1, 2}, {0, 2}, {0, 1, 2}}) {
        double sum = 0;
        for (std::size_t at : places) sum += model[at];
        for (std::size_t at : places) model[at] = sum;
      }
    }
    for (std::size_t at = 0; at < 3; ++at) EXPECT_EQ(v[at][99], static_cast<float>(model[at]));
  }
}

TEST(WorkerGraph, RunsInFlightTakeEffectInTheirOrder) {
  Worker worker = started(on_devices({5, 2}));
  const CallableHandle change = worker.add(affine());
  const Buffer x = worker.allocate({.device = 2, .dtype = DType::i64, .count = 3});
  Integers v(3, 1);
  std::vector<RunHandle> runs;
  for (std::int64_t i = 1; i <= 5; ++i) {
    runs.push_back(worker.submit([&](Orchestrator& orch) {
      orch.submit(change, step(v, 10, i, 1000 * (6 - i)), i % 2 == 0 ? 5 : 2);
      orch.submit(change, step(x, 10, i), 2);
    }));
  }
  EXPECT_EQ(v, Integers(3, 1));
  EXPECT_FALSE(runs[0].has_ended());
  EXPECT_EQ(runs[2].result().run, 3u);
  EXPECT_EQ(v, Integers(3, 1123));
  EXPECT_TRUE(runs[0].has_ended());
  EXPECT_FALSE(runs[3].has_ended());
  Integers back(3);
  worker.copy_from(back, x);  // after all
  EXPECT_EQ(back, Integers(3, 12345));
  for (const RunHandle& run : runs) {
    run.wait();
    EXPECT_EQ(run.result().failures(), 0u);
  }
  static_cast<void>(
      worker.submit([&](Orchestrator& orch) { orch.submit(change, step(x, 10, 6), 2); }));
  worker.copy_from(back, x);
  EXPECT_EQ(back, Integers(3, 123456));
}

TEST(WorkerGraph, AWaitThatIsTooShortSaysHowFarTheRunIsAndMayGoOn) {
  Worker worker = started(on_devices({5, 2}));
  const CallableHandle busy =
      worker.add(device_function("busy", [](Device& self, const TaskArguments& args) {
        const SignalRow row = self.allocate_signals("row", 1);
        for (int i = 0; i < 50'000; ++i) {
          self.notify(Rank{0}, row[0]);
          self.wait(row[0]);
        }
        for (float& value : args.elements<float>(0)) value += 1;
      }));
  std::vector<float> v(4), w(4);
  const RunHandle run = worker.submit([&](Orchestrator& orch) {
    orch.submit_sub([] {});
    orch.submit(busy, Args{}.inout(v).named("slow"), 2);
    orch.submit(busy, Args{}.inout(v), 5);
  });
  const RunHandle second =
      worker.submit([&](Orchestrator& orch) { orch.submit(busy, Args{}.inout(w), 2); });
  const auto nothing = std::chrono::seconds(0);
  EXPECT_EQ(refusal([&] { run.wait(nothing); }),
            "run 1: it has not ended after 0 s: 1 of its 3 tasks have ended\n  task 1 `slow` on "
            "device 2 runs; wait longer, or look for what does not end");
  expect_part(refusal([&] { second.wait(std::chrono::milliseconds(1)); }),
              "run 2: it has not ended after 0.001 s: 0 of its 1 tasks have ended, and none runs");
  expect_part(refusal([&] { static_cast<void>(run.result(std::chrono::seconds(-5))); }), "run 1: ");
  expect_part(refusal([&] { worker.free(worker.allocate({.device = 5, .count = 1})); }), "nothing");
  EXPECT_FALSE(run.has_ended());
  EXPECT_EQ(second.result().failures(), 0u);
  EXPECT_TRUE(run.has_ended());
  EXPECT_EQ(v, std::vector<float>(4, 2));
  EXPECT_EQ(w, std::vector<float>(4, 1));
}

TEST(WorkerGraph, RunsOfAClosedWorkerAreDropped) {
  std::optional<RunHandle> ended, dropped, begun;
  std::vector<float> v(4), w(4);
  std::optional<Buffer> buffer;
  {
    Worker worker = started();
    const CallableHandle add = worker.add(adder());
    buffer = worker.allocate({.count = 4});
    const auto submit = [&](Orchestrator& orch) {
      const Domain d = orch.allocate_domain({"d", {0}, 64});
      orch.submit(add, Args{}.inout(v), 0);
      orch.submit(add, Args{}.inout(*buffer), 0);
    };
    ended = worker.submit(submit);
    ended->wait();
    const CallableHandle busy =
        worker.add(device_function("busy", [](Device& self, const TaskArguments&) {
          const SignalRow row = self.allocate_signals("row", 1);
          for (;;) {
            self.notify(Rank{0}, row[0]);
            self.wait(row[0]);
          }
        }));
    begun = worker.submit([&](Orchestrator& orch) { orch.submit(busy, Args{}.inout(w), 0); });
    expect_part(refusal([&] { begun->wait(std::chrono::milliseconds(1)); }), "`busy` on device 0");
    dropped = worker.submit(submit);
    static_cast<void>(worker.submit(submit));
  }
  EXPECT_EQ(ended->result().failures(), 0u);
  for (const auto* run : {&dropped, &begun}) {
    EXPECT_TRUE((*run)->has_ended());
    (*run)->wait();
    expect_part(refusal([&] { static_cast<void>((*run)->result()); }),
                "it was dropped, because the worker was closed before it had ended");
    EXPECT_NE((*run)->dot(), "");
  }
  EXPECT_EQ(v, std::vector<float>(4, 1));
  EXPECT_EQ(buffer->name(), "buffer");
}

TEST(WorkerGraph, MemoryOfABufferIsGivenBackAfterTheRunsThatUseIt) {
  Worker worker = started();
  const CallableHandle add = worker.add(adder());
  std::vector<float> seen(1000);
  const std::byte* place = nullptr;
  std::optional<RunHandle> run;
  {
    const Buffer lost = worker.allocate({.count = 1000});
    place = lost.view().data;
    run = worker.submit([&](Orchestrator& orch) {
      orch.submit(add, Args{}.inout(lost), 0);
      orch.copy(seen, lost);
    });
  }
  const Buffer other = worker.allocate({.count = 1000});
  EXPECT_NE(other.view().data, place);
  run->wait();
  EXPECT_EQ(seen, std::vector<float>(1000, 1));
  const Buffer again = worker.allocate({.count = 1000});
  EXPECT_EQ(again.view().data, place);
  EXPECT_EQ(floats_of(worker, again), std::vector<float>(1000, 0));
  for (int i = 0; i < 5; ++i) {
    const Buffer large = worker.allocate({.count = std::size_t{1} << 28});
    worker.free(large);
  }
}

}  // namespace
}  // namespace peal
