// SPDX-License-Identifier: Apache-2.0
// Every kind of callable as a task of a worker.
#include "peal/runtime/worker.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/support/worker_run.h"

namespace peal {
namespace {

// Each rank sends `given` to the next, which adds it to its own.
Kernel shift_and_add() {
  using Kind = KernelBuffer::Kind;
  return {.name = "shift_and_add",
          .run =
              [](Device& self, const KernelArguments& args) {
                const int ranks = self.ranks(), parity = static_cast<int>(args.call() % 2);
                const SignalRow arrived = args.signals("arrived"), taken = args.signals("taken");
                const View slot = args.buffer("slots").part(
                    static_cast<std::size_t>(parity) * args.buffer("given").count,
                    args.buffer("given").count);
                if (args.call() > 1) self.wait(taken[parity]);
                self.put_notify(Rank{(self.rank() + 1) % ranks}, slot, args.buffer("given"),
                                arrived[parity]);
                self.wait(arrived[parity]);
                const Rank own{self.rank()};
                self.reduce(args.buffer("sum"), {{own, args.buffer("given")}, {own, slot}},
                            ReduceOp::sum);
                self.notify(Rank{(self.rank() + ranks - 1) % ranks}, taken[parity]);
              },
          .buffers = {{.name = "given", .kind = Kind::input, .count = ""},
                      {.name = "sum", .kind = Kind::output, .count = ""},
                      {.name = "slots", .kind = Kind::window, .count = ""}},
          .signals = {{.name = "arrived", .count = "2"}, {.name = "taken", .count = "2"}}};
}

TEST(Worker, ADescribedKernelKeepsItsSignalsFromTaskToTask) {
  for (int devices : {1, 2, 3, 4, 7}) {
    for (std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{37}}) {
      for (const std::string how : {"virtual", "random:3", "random:4", "shm"}) {
        const bool is_real = how == "shm";
        Worker worker = open_worker({.platform = is_real ? "shm" : "a2a3sim",
                                     .devices = device_numbers(devices),
                                     .schedule = is_real ? "virtual" : how});
        const CallableHandle shift = worker.add(shift_and_add());
        worker.start();
        const auto ranks = static_cast<std::size_t>(devices);
        std::vector<std::vector<float>> given(ranks), sum(ranks);
        for (std::size_t rank = 0; rank < ranks; ++rank) {
          given[rank].assign(count, static_cast<float>(rank + 1));
          sum[rank].assign(count, -1);
        }
        constexpr int calls = 5;
        worker.run([&](Orchestrator& orch) {
          const Domain domain =
              orch.allocate_domain({.name = "ring",
                                    .devices = worker.devices(),
                                    .window_bytes = 8 * count + 64,
                                    .buffers = {{.name = "slots", .count = 2 * count}}});
          for (int call = 0; call < calls; ++call) {
            orch.submit_group(shift, worker.devices(), [&](int rank) {
              const auto at = static_cast<std::size_t>(rank);
              auto& from = call % 2 == 0 ? given : sum;
              auto& to = call % 2 == 0 ? sum : given;
              return Args{}
                  .in(from[at])
                  .out(to[at])
                  .inout(domain[rank].buffer("slots"))
                  .context(domain[rank]);
            });
          }
        });
        std::vector<float> expected(ranks);
        for (std::size_t rank = 0; rank < ranks; ++rank) {
          expected[rank] = static_cast<float>(rank + 1);
        }
        for (int call = 0; call < calls; ++call) {
          const std::vector<float> before = expected;
          for (std::size_t rank = 0; rank < ranks; ++rank) {
            expected[rank] = before[rank] + before[(rank + ranks - 1) % ranks];
          }
        }
        for (std::size_t rank = 0; rank < ranks; ++rank) {
          EXPECT_EQ(sum[rank], std::vector<float>(count, expected[rank]));
        }
      }
    }
  }
}

TEST(Worker, CallsOfAKernelAreCountedWithAndWithoutADomain) {
  Worker worker = started(on_devices({5, 2}));
  std::vector<std::int64_t> calls;
  const CallableHandle counted = worker.add(
      Kernel{.name = "counted",
             .run = [&](Device&, const KernelArguments& args) { calls.push_back(args.call()); },
             .buffers = {{.name = "b", .kind = KernelBuffer::Kind::inout, .count = "2 + call"}}});
  std::vector<float> v(10);
  const auto first = [&](std::size_t count) { return std::span(v).first(count); };
  worker.run([&](Orchestrator& orch) {
    const Domain d = orch.allocate_domain({"d", {5}, 64});
    for (std::size_t call = 0; call < 3; ++call) {
      orch.submit(counted, Args{}.inout(first(2 + call)), 5);
      orch.submit(counted, Args{}.inout(first(2 + call)).context(d[0]), 5);
    }
    EXPECT_EQ(refusal([&] { orch.submit(counted, Args{}.inout(first(2)), 5); }),
              "task 6 `counted`: kernel `counted`: array 0 is its buffer `b`, of 5 elements, and 2 "
              "are given; give as "
              "many");
    orch.submit(counted, Args{}.inout(first(2)), 2);
  });
  EXPECT_EQ(calls, (std::vector<std::int64_t>{0, 0, 1, 1, 2, 2, 0}));
}

TEST(Worker, ADeviceFunctionTakesArraysScalarsAndContexts) {
  Worker worker = started({.platform = "a5sim", .devices = {5, 2, 9}});
  const CallableHandle scale =
      worker.add(device_function("scale", [](Device& self, const TaskArguments& args) {
        EXPECT_EQ(args.size(), 6u);
        EXPECT_EQ(self.ranks(), 3);
        const auto factor = args.scalar<double>(1);
        const auto summand = args.scalar<std::int64_t>(2);
        EXPECT_EQ(args.scalar<std::uint8_t>(3), 255);
        self.copy(args.view(5), args.view(0));
        const std::span<std::byte> bytes = self.write(args.view(5));
        for (std::size_t i = 0; i < bytes.size(); i += sizeof(std::int64_t)) {
          std::int64_t value = 0;
          std::memcpy(&value, &bytes[i], sizeof(value));
          value = static_cast<std::int64_t>(static_cast<double>(value) * factor) + summand +
                  100 * self.rank();
          std::memcpy(&bytes[i], &value, sizeof(value));
        }
      }));
  std::vector<std::int64_t> given = {1, 2, 3};
  std::vector<std::vector<std::int64_t>> result(3, std::vector<std::int64_t>(3));
  worker.run([&](Orchestrator& orch) {
    const Domain domain =
        orch.allocate_domain({.name = "d", .devices = {9, 5, 2}, .window_bytes = 1});
    for (int rank = 0; rank < 3; ++rank) {
      orch.submit(scale,
                  Args{}
                      .in(std::as_const(given))
                      .scalar(2.5)
                      .scalar(std::int64_t{-7})
                      .scalar(std::uint8_t{255})
                      .context(domain[rank])
                      .out(result[static_cast<std::size_t>(rank)]),
                  domain[rank].device());
    }
  });
  for (int rank = 0; rank < 3; ++rank) {
    EXPECT_EQ(result[static_cast<std::size_t>(rank)],
              (std::vector<std::int64_t>{-5 + 100 * rank, -2 + 100 * rank, 100 * rank}));
  }
}

TEST(Worker, APtoKernelWithAShimIsATask) {
  for (const char* platform : {"a2a3sim", "a5sim"}) {
    Worker worker = started({.platform = platform, .devices = {4, 1}});
    const CallableHandle shim = worker.add(pto_kernel(PEAL_SOURCE_DIR "/tests/pto/shim"));
    for (std::size_t count : {std::size_t{2}, std::size_t{128}, std::size_t{64}}) {
      std::vector<float> in(count, 5);
      std::vector<std::vector<float>> middle(2, in), twice(2, in), beside(2, in);
      worker.run([&](Orchestrator& orch) {
        for (std::size_t at = 0; at < 2; ++at) {
          orch.submit(shim,
                      Args{}
                          .in(in)
                          .out(middle[at])
                          .out(twice[at])
                          .out(beside[at])
                          .scalar(3 + static_cast<int>(at)),
                      worker.devices()[at]);
        }
      });
      for (std::size_t at = 0; at < 2; ++at) {
        EXPECT_EQ(twice[at], std::vector<float>(count, 11));
        EXPECT_EQ(beside[at], std::vector<float>(count, 15 + 5 * static_cast<float>(at)));
      }
    }
  }
}

TEST(Worker, APtoKernelOfACaseUsesTheWindowsOfItsDomain) {
  for (const char* platform : {"a2a3sim", "a5sim"}) {
    for (int devices : {1, 2, 3, 4, 7}) {
      Worker worker = started({.platform = platform, .devices = device_numbers(devices)});
      const CallableHandle exchange =
          worker.add(pto_kernel(PEAL_SOURCE_DIR "/tests/pto/exchange.toml"));
      const auto ranks = static_cast<std::size_t>(devices);
      const std::size_t length = 2 * 64 * ranks + 16 * ranks;
      std::vector<std::vector<float>> in(ranks), out(ranks);
      for (std::size_t rank = 0; rank < ranks; ++rank) {
        in[rank].assign(64, static_cast<float>(rank + 1));
        out[rank].assign(64, 0);
      }
      worker.run([&](Orchestrator& orch) {
        const Domain domain = orch.allocate_domain({.name = "d",
                                                    .devices = worker.devices(),
                                                    .window_bytes = 4 * length,
                                                    .buffers = {{"scratch", DType::f32, length}}});
        for (int call = 0; call < 3; ++call) {
          orch.submit_group(exchange, domain.devices(), [&](int rank) {
            const auto at = static_cast<std::size_t>(rank);
            return Args{}
                .in(call == 0 ? in[at] : out[at])
                .out(out[at])
                .inout(domain[rank].buffer("scratch"))
                .scalar(call)
                .context(domain[rank]);
          });
        }
      });
      const auto sum = static_cast<float>(devices * (devices + 1) / 2 * devices * devices);
      for (const auto& elements : out) EXPECT_EQ(elements, std::vector<float>(64, sum));
    }
  }
}

TEST(Worker, ASourceIsACallableByItsName) {
  const PtoSource increment("for (int i = 0; i < 4; ++i) st_dev(ld_dev(in + i) + 1, out + i);");
  for (const char* platform : {"a2a3sim", "a5sim"}) {
    Worker worker = started({.platform = platform, .devices = {6}});
    const CallableHandle pto = worker.add(kernel_file(increment.path()));
    const CallableHandle ring =
        worker.add(kernel_file(PEAL_SOURCE_DIR "/examples/kernels/ring_all_reduce.cpp"));
    static_cast<void>(ring);
    std::vector<float> data = {1, 2, 3, 4};
    const GraphReport report = worker.run([&](Orchestrator& orch) {
      for (int i = 0; i < 3; ++i) orch.submit(pto, Args{}.in(data).out(data), 6);
    });
    EXPECT_EQ(data, (std::vector<float>{4, 5, 6, 7}));
    EXPECT_EQ(report.tasks[1].name, "kernel");
    EXPECT_EQ(task_label(report, 1), "task 1 `kernel` on device 6");
  }
}

// What a core keeps in its cache of lines that others write between its tasks is not used.
TEST(Worker, APtoKernelSeesWhatTheHostHasWrittenSinceItsLastTask) {
  const PtoSource copies(
      "for (int i = 0; i < 4; ++i) out[i] = in[i]; dcci(out, ENTIRE_DATA_CACHE); dsb(DSB_ALL);");
  Worker worker = started();
  const CallableHandle copy = worker.add(copies.callable());
  const Buffer in = worker.allocate({.count = 4}), out = worker.allocate({.count = 4});
  std::vector<float> host(4), seen_on_host(4);
  std::vector<std::vector<float>> seen(6, std::vector<float>(4));
  worker.run([&](Orchestrator& orch) {
    for (std::size_t round = 0; round < seen.size(); ++round) {
      orch.submit_sub(
          [&host, round](const TaskArguments& args) {
            for (float& value : args.elements<float>(0)) value = static_cast<float>(round + 1);
            for (float& value : host) value = static_cast<float>(10 * (round + 1));
          },
          Args{}.inout(in).out(host));
      orch.submit(copy, Args{}.in(in).out(out), 0);
      orch.submit(copy, Args{}.in(host).out(seen_on_host), 0);
      orch.submit_sub(
          [&, round](const TaskArguments& args) {
            const auto values = args.elements<float>(0);
            seen[round].assign(values.begin(), values.end());
            seen[round][3] = seen_on_host[3];
          },
          Args{}.in(out).in(seen_on_host));
    }
  });
  for (std::size_t round = 0; round < seen.size(); ++round) {
    const auto value = static_cast<float>(round + 1);
    EXPECT_EQ(seen[round], (std::vector<float>{value, value, value, 10 * value}));
  }
}

TEST(Worker, CopiesGoBothWaysInARunAndOutsideOfIt) {
  Worker worker = started(on_devices({5, 2, 9}));
  const CallableHandle add = worker.add(adder());
  const Buffer at_five = worker.allocate({.name = "a", .device = 5, .count = 100});
  const Buffer at_nine = worker.allocate({.name = "b", .device = 9, .count = 100});
  EXPECT_EQ(at_nine.device(), 9);
  EXPECT_EQ(floats_of(worker, at_nine), std::vector<float>(100, 0));
  std::vector<float> host(100, 1), back(100);
  worker.run([&](Orchestrator& orch) {
    orch.copy(at_five, std::as_const(host));
    orch.submit(add, Args{}.inout(at_five.part(10, 90)), 5);
    orch.copy(at_nine.part(0, 50), at_five.part(50, 50));
    orch.submit(add, Args{}.inout(at_nine.part(1, 1)), 9);
    orch.copy(back, at_nine);
  });
  std::vector<float> expected(100, 0);
  std::fill_n(expected.begin(), 50, 2.0F);
  expected[1] = 3;
  EXPECT_EQ(back, expected);
  const std::vector<float> seven = {7}, nothing;
  worker.copy_to(at_five.part(99, 1), seven);
  EXPECT_EQ(floats_of(worker, at_five.part(98, 2)), (std::vector<float>{2, 7}));
  worker.copy_to(at_nine, at_five);
  EXPECT_EQ(floats_of(worker, at_nine), floats_of(worker, at_five));
  worker.copy_to(at_nine.part(3, 0), nothing);
}

TEST(Worker, TheSameGraphReportsTheSameTwice) {
  for (const char* schedule : {"virtual", "random:11"}) {
    std::string texts[2];
    for (std::string& text : texts) {
      Worker worker = started(on_devices({5, 2, 9}, schedule));
      const CallableHandle reduce = worker.add(collective("all_reduce"));
      const CallableHandle add = worker.add(adder());
      std::vector<std::vector<float>> data(3, std::vector<float>(1000, 1));
      for (int run = 0; run < 2; ++run) {
        const RunHandle handle = worker.submit([&](Orchestrator& orch) {
          const Domain domain =
              orch.allocate_domain({.name = "d", .devices = worker.devices(), .window_bytes = 64});
          for (int round = 0; round < 3; ++round) {
            for (std::size_t i = 0; i < 3; ++i) {
              orch.submit(add, Args{}.inout(data[i]), worker.devices()[i]);
            }
            orch.submit_group(reduce, worker.devices(), [&](int rank) {
              return Args{}.inout(data[static_cast<std::size_t>(rank)]).context(domain[rank]);
            });
          }
        });
        text += describe(handle.result()) + handle.dot();
      }
    }
    EXPECT_EQ(texts[0], texts[1]);
  }
}

}  // namespace
}  // namespace peal
