// SPDX-License-Identifier: Apache-2.0
// The checks in runs of a worker.
#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <vector>

#include "tests/support/worker_run.h"

namespace peal {
namespace {

using Strings = std::vector<std::string>;

const Strings schedules = {"virtual", "random:1", "random:2"};

Worker checking(const std::vector<int>& devices, const std::string& schedule = "virtual") {
  return started({.devices = devices, .checks = true, .schedule = schedule});
}

// Puts argument 0 into the next rank's `slot` (argument 1).
Callable putter() {
  return device_function("putter", [](Device& self, const TaskArguments& args) {
    self.put(Rank{(self.rank() + 1) % self.ranks()}, args.view(1), args.view(0));
    self.flush();
  });
}

// Argument 0 = argument 1.
Callable copier() {
  return device_function("copier", [](Device& self, const TaskArguments& args) {
    self.copy(args.view(0), args.view(1));
  });
}

DomainRequest window(const std::string& name, const std::vector<int>& devices) {
  return {name, devices, 4096, {{"given", DType::f32, 16}, {"slot", DType::f32, 16}}};
}

TEST(WorkerChecks, TasksThatNothingOrdersAreARace) {
  for (const bool is_ordered : {false, true}) {
    for (const std::string& schedule : schedules) {
      Worker worker = checking({5, 2}, schedule);
      const CallableHandle put = worker.add(putter()), copy = worker.add(copier());
      std::vector<float> seen(16);
      const Buffer out = worker.allocate({.device = 2, .count = 16});
      const GraphReport report = worker.run([&](Orchestrator& orch) {
        const Domain d = orch.allocate_domain(window("shared", {5, 2}));
        orch.submit_sub([] {}, Args{}.out(d[0].buffer("given")).out(d[1].buffer("slot")));
        const Task first = orch.submit(
            put, Args{}.in(d[0].buffer("given")).no_dep(d[0].buffer("slot")).context(d[0]), 5);
        Args args;
        args.out(out).no_dep(d[1].buffer("slot"));
        if (is_ordered) args.after(first);
        orch.submit(copy, args, 2);
      });
      if (is_ordered) {
        EXPECT_EQ(report.findings, Strings{});
        continue;
      }
      ASSERT_EQ(report.findings.size(), 1u) << schedule;
      expect_part(report.findings[0], "race: window `shared window` of device 2, bytes 64..128");
      expect_part(report.findings[0], "device 5 core ");
      expect_part(report.findings[0], "worker_checks_test.cpp:");
      // It names both tasks, and no line of what starts them.
      expect_part(report.findings[0], "task 1 `putter`");
      expect_part(report.findings[0], "task 2 `copier`");
      expect_part(report.findings[0], "nothing orders the two: ");
      EXPECT_EQ(report.findings[0].find("task_run.cpp"), std::string::npos) << report.findings[0];
      EXPECT_EQ(report.findings[0].find("rank"), std::string::npos) << report.findings[0];
    }
  }
}

// The text with N in the place of line numbers.
std::string without_lines(const std::string& text) {
  return std::regex_replace(text, std::regex("(_test\\.cpp):[0-9]+"), "$1:N");
}

// What is found in a run of `putter` and a `copier` of what it writes, which nothing orders.
enum class Before { nothing, task_of_the_device, task_of_the_device_first };
Strings races_of_tasks(Before before) {
  Worker worker = checking({5, 2});
  const CallableHandle put = worker.add(putter()), copy = worker.add(copier());
  const Buffer out = worker.allocate({.device = 2, .count = 16});
  Strings findings =
      worker
          .run([&](Orchestrator& orch) {
            const Domain d = orch.allocate_domain(window("shared", {5, 2}));
            const Buffer given = d[1].buffer("given"), slot = d[1].buffer("slot");
            orch.submit_sub([] {}, Args{}.out(d[0].buffer("given")).out(given).out(slot));
            const auto take = [&](const Buffer& from) {
              orch.submit(copy, Args{}.out(out).no_dep(from), 2);
            };
            if (before == Before::task_of_the_device_first) take(slot);
            orch.submit(
                put, Args{}.in(d[0].buffer("given")).no_dep(d[0].buffer("slot")).context(d[0]), 5);
            if (before == Before::task_of_the_device) take(given);
            if (before != Before::task_of_the_device_first) take(slot);
          })
          .findings;
  for (std::string& finding : findings) finding = without_lines(finding);
  return findings;
}

// Both tasks by their numbers and names, in the order of the run, and what the device of the second
// has waited for by then.
TEST(WorkerChecks, ARaceNamesBothTasksAndWhatIsMissing) {
  const std::string subject = "race: window `shared window` of device 2, bytes 64..128\n";
  const std::string place = "tests/runtime/worker_checks_test.cpp:N";
  const auto reads = [&](const std::string& task) {
    return "  device 2 core 0 MTE2 reads it   " + place + "  (" + task + ")\n";
  };
  const auto writes = [&](const std::string& task) {
    return "  device 5 core 0 MTE3 writes it   " + place + "  (" + task + ")\n";
  };
  EXPECT_EQ(races_of_tasks(Before::nothing),
            Strings{subject + reads("task 2 `copier`") + writes("task 1 `putter`") +
                    "  nothing orders the two: device 5 has waited for nothing before this\n"});
  EXPECT_EQ(races_of_tasks(Before::task_of_the_device_first),
            Strings{subject + reads("task 1 `copier`") + writes("task 2 `putter`") +
                    "  nothing orders the two: device 5 has waited for nothing before this\n"});
  // The device has waited for the end of its own task, which says nothing of the other device's.
  EXPECT_EQ(races_of_tasks(Before::task_of_the_device),
            Strings{subject + writes("task 1 `putter`") + reads("task 3 `copier`") +
                    "  nothing orders the two: device 2 has waited for nothing since\n"});
}

TEST(WorkerChecks, ARaceInsideAGroupIsFound) {
  Worker worker = checking({5, 2, 9});
  const CallableHandle racy =
      worker.add(device_function("racy", [](Device& self, const TaskArguments& args) {
        self.put(Rank{(self.rank() + 1) % self.ranks()}, args.view(1), args.view(0));
        self.flush();
        self.copy(args.view(0), args.view(1));
      }));
  const GraphReport report = worker.run([&](Orchestrator& orch) {
    const Domain d = orch.allocate_domain(window("w", {9, 5, 2}));
    orch.submit_group(racy, d.devices(), [&](int rank) {
      return Args{}.inout(d[rank].buffer("given")).inout(d[rank].buffer("slot")).context(d[rank]);
    });
  });
  ASSERT_FALSE(report.findings.empty());
  expect_part(report.findings[0], "race: window `w window` of device ");
}

TEST(WorkerChecks, MixedGraphsThatAreOrderedHaveNoFindings) {
  const PtoSource increment(
      "using Row = GlobalTensor<float, Shape<1, 1, 1, 1, 16>, Stride<16, 16, 16, 16, 1>>;\n"
      "Tile<TileType::Vec, float, 1, 16> tile; TASSIGN(tile, 0); Row from(in), to(out);\n"
      "TLOAD(tile, from); set_flag(PIPE_MTE2, PIPE_V, EVENT_ID0);\n"
      "wait_flag(PIPE_MTE2, PIPE_V, EVENT_ID0); TADDS(tile, tile, 1.0f);\n"
      "set_flag(PIPE_V, PIPE_MTE3, EVENT_ID0); wait_flag(PIPE_V, PIPE_MTE3, EVENT_ID0);\n"
      "TSTORE(to, tile); pipe_sync();");
  const Callable pto = increment.callable();
  for (const std::string& schedule : schedules) {
    Worker worker = checking({5, 2, 9}, schedule);
    const CallableHandle adds = worker.add(adder()), copy = worker.add(copier());
    const CallableHandle adds_pto = worker.add(pto), reduce = worker.add(collective("all_reduce"));
    const CallableHandle gather = worker.add(collective("all_gather"));
    std::vector<std::vector<float>> host(3, std::vector<float>(16, 1));
    std::vector<std::vector<float>> all(3, std::vector<float>(32));
    for (int run = 0; run < 2; ++run) {
      const GraphReport report = worker.run([&](Orchestrator& orch) {
        const Domain d = orch.allocate_domain(window("d", {5, 2, 9}));
        const Domain e = orch.allocate_domain(window("e", {9, 5}));
        const Domain unused = orch.allocate_domain(window("unused", {2}));
        for (int round = 0; round < 3; ++round) {
          for (int rank = 0; rank < 3; ++rank) {
            const auto at = static_cast<std::size_t>(rank);
            const Buffer given = d[rank].buffer("given");
            orch.copy(given, std::as_const(host[at]));
            orch.submit(adds, Args{}.inout(given), d[rank].device());
            orch.submit(adds_pto, Args{}.in(given).out(d[rank].buffer("slot")), d[rank].device());
            orch.submit(adds, Args{}.inout(host[at]), d[rank].device());
            orch.submit(copy, Args{}.out(given.part(0, 8)).in(d[rank].buffer("slot").part(8, 8)),
                        d[rank].device());
            orch.submit_sub([](const TaskArguments& args) { args.elements<float>(0)[3] += 1; },
                            Args{}.inout(d[rank].buffer("slot")));
          }
          orch.submit_group(reduce, d.devices(), [&](int rank) {
            return Args{}.in(d[rank].buffer("slot")).out(d[rank].buffer("given")).context(d[rank]);
          });
          orch.submit_group(gather, {5, 9}, [&](int member) {
            const int device = member == 0 ? 5 : 9;
            return Args{}
                .in(d.on_device(device).buffer("given"))
                .out(all[static_cast<std::size_t>(member)])
                .context(e.on_device(device));
          });
          orch.submit_group(reduce, e.devices(), [&](int rank) {
            return Args{}
                .inout(d.on_device(e.devices()[static_cast<std::size_t>(rank)]).buffer("given"))
                .context(e[rank]);
          });
        }
      });
      EXPECT_EQ(report.findings, Strings{}) << schedule << " run " << run;
      EXPECT_EQ(report.failures(), 0u);
    }
    EXPECT_EQ(all[0], all[1]);
    // Host 1 + 5 rounds before, then + 1 on the device and + 1 by the kernel, of three devices.
    EXPECT_EQ(all[0][0], 24);
    EXPECT_EQ(all[0][3], 27);
  }
}

TEST(WorkerChecks, DescribedAndPtoKernelsShareADomain) {
  for (const std::string& schedule : schedules) {
    Worker worker = checking({5, 2}, schedule);
    const CallableHandle exchange =
        worker.add(pto_kernel(PEAL_SOURCE_DIR "/tests/pto/exchange.toml"));
    const CallableHandle reduce = worker.add(collective("all_reduce"));
    std::vector<std::vector<float>> v(2, std::vector<float>(64, 1)), w = v;
    const GraphReport report = worker.run([&](Orchestrator& orch) {
      const Domain d =
          orch.allocate_domain({"d", {2, 5}, 8192, {{.name = "scratch", .count = 288}}});
      for (int call = 0; call < 3; ++call) {
        orch.submit_group(exchange, d.devices(), [&](int rank) {
          const auto at = static_cast<std::size_t>(rank);
          return Args{}
              .in(v[at])
              .out(w[at])
              .inout(d[rank].buffer("scratch"))
              .scalar(call)
              .context(d[rank]);
        });
        orch.submit_group(reduce, d.devices(), [&](int rank) {
          const auto at = static_cast<std::size_t>(rank);
          return Args{}.in(w[at]).out(v[at]).context(d[rank]);
        });
      }
    });
    EXPECT_EQ(report.findings, Strings{}) << schedule;
    EXPECT_EQ(v, std::vector(2, std::vector<float>(64, 64)));
  }
}

TEST(WorkerChecks, AMistakeOfAKernelIsFoundInItsTask) {
  const PtoSource no_flag(
      "using Row = GlobalTensor<float, Shape<1, 1, 1, 1, 16>, Stride<16, 16, 16, 16, 1>>;\n"
      "Tile<TileType::Vec, float, 1, 16> tile; TASSIGN(tile, 0); Row from(in), to(out);\n"
      "TLOAD(tile, from); TSTORE(to, tile); pipe_sync();");
  Worker worker = checking({8, 3});
  const CallableHandle bad = worker.add(no_flag.callable()), add = worker.add(adder());
  std::vector<float> v(16, 1), w(16);
  const auto submit = [&](Orchestrator& orch) {
    orch.submit(add, Args{}.inout(v), 8);
    orch.submit(bad, Args{}.in(v).out(w), 3);
  };
  const GraphReport report = worker.run(submit);
  ASSERT_EQ(report.findings.size(), 1u);
  expect_part(report.findings[0], "kernel.cpp:102");
  expect_part(report.findings[0], "device 3 core ");
  EXPECT_EQ(describe(report).find("rank"), std::string::npos) << describe(report);
  // Each run is looked at by itself.
  const GraphReport clean =
      worker.run([&](Orchestrator& orch) { orch.submit(add, Args{}.inout(v), 8); });
  EXPECT_EQ(clean.findings, Strings{});
  EXPECT_EQ(worker.run(submit).findings, report.findings);
}

TEST(WorkerChecks, AfterAFailureTheRestIsNotLookedAt) {
  Worker worker = checking({5, 2});
  const CallableHandle bad = worker.add(
      device_function("bad", [](Device&, const TaskArguments&) { throw UsageError("it fails"); }));
  const CallableHandle add = worker.add(adder());
  std::vector<float> v(16), w(16);
  const RunHandle run = worker.submit([&](Orchestrator& orch) {
    orch.submit(bad, Args{}.inout(v), 5);
    orch.submit(add, Args{}.inout(v), 5);
    orch.submit(add, Args{}.inout(w), 2);
  });
  const GraphReport report = report_of(run);
  EXPECT_EQ(report.findings, Strings{});
  EXPECT_EQ(report.failures(), 2u);
  EXPECT_EQ(w, std::vector<float>(16, 1));
}

}  // namespace
}  // namespace peal
