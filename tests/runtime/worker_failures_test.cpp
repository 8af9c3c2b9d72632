// SPDX-License-Identifier: Apache-2.0
// Tasks that fail: what is said of them, what is run nevertheless, and what is left behind.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/worker_run.h"

namespace peal {
namespace {

using State = TaskRecord::State;

Callable waiter(const std::string& name = "waiter") {
  return device_function(name, [](Device& self, const TaskArguments&) {
    const SignalRow row = self.allocate_signals("never", 1);
    self.wait(row[0]);
  });
}

Callable thrower(const std::function<void()>& throws) {
  return device_function("thrower", [throws](Device& self, const TaskArguments& args) {
    if (args.size() != 0 && args.view(0).count != 0) self.write(args.view(0))[0] = std::byte{77};
    throws();
  });
}

// All the PTO kernels that go wrong, in the folder of the tests once.
const PtoSource& bad_pointer() {
  static const PtoSource source("*(volatile int*)16 = 1;");
  return source;
}
const PtoSource& endless() {
  static const PtoSource source("for (volatile int i = 0;;) i = i + 1;");
  return source;
}
const PtoSource& stuck() {
  static const PtoSource source(
      "comm::Signal never((int32_t*)out); TWAIT(never, 1, "
      "comm::WaitCmp::GE);");
  return source;
}
const PtoSource& outside() {
  static const PtoSource source(
      "using Row = GlobalTensor<float, Shape<1, 1, 1, 1, 64>, Stride<64, 64, 64, 64, 1>>;\n"
      "Tile<TileType::Vec, float, 1, 64> tile; TASSIGN(tile, 0); Row row(out + 100);\n"
      "TSTORE(row, tile); pipe_sync();");
  return source;
}
const PtoSource& divided() {
  static const PtoSource source("volatile int zero = 0; out[0] = 100 / zero;");
  return source;
}

struct WayToFail {
  std::string name;
  Callable callable;
  std::string text;
};

std::vector<WayToFail> ways_to_fail() {
  return {
      {"error", thrower([] { throw std::runtime_error("no luck"); }), "no luck"},
      {"nothing said", thrower([] { throw std::runtime_error(""); }),
       "it throws an exception without a text"},
      {"int", thrower([] { throw 7; }), "it throws what is no std::exception"},
      {"string", thrower([] { throw std::string("text"); }), "it throws what is no std::exception"},
      {"waiter", waiter(),
       "deadlock: it waits, and nobody can wake it\n  device 2 waits for 1 "
       "arrivals at `never[0]`, 1 of them are missing"},
      {"bad pointer", bad_pointer().callable(),
       "kernel error on device 2: a store of 4 bytes at the bad pointer 0x10"},
      {"endless", endless().callable(), "kernel error on device 2: it crashed: it ran for "},
      {"stuck", stuck().callable(),
       "deadlock: it waits, and nobody can wake it\n  device 2 waits "
       "for the signal at byte 0 of `out` to be >= 1, it holds 0"},
      {"outside", outside().callable(), "kernel error on device 2: "},
      {"divided", divided().callable(),
       "kernel error on device 2: it crashed: an integer was divided by zero"},
  };
}

TEST(WorkerFailures, AFailureIsToldItsConsumersAreNotRunAndOthersAre) {
  for (const char* schedule : {"virtual", "random:5"}) {
    Worker worker =
        started({.devices = {5, 2, 9}, .schedule = schedule, .time_limit_seconds = 0.2});
    const CallableHandle add = worker.add(adder());
    for (const WayToFail& way : ways_to_fail()) {
      SCOPED_TRACE(way.name);
      const CallableHandle bad = worker.add(way.callable);
      const Buffer in = worker.allocate({.name = "in", .device = 2, .count = 16});
      const Buffer out = worker.allocate({.name = "out", .device = 2, .count = 16});
      std::vector<float> apart(8), read(16), after(4, 1), overwritten(16, 1);
      const RunHandle run = worker.submit([&](Orchestrator& orch) {
        orch.submit(bad, Args{}.in(in).inout(out), 2);                // 0
        orch.submit(add, Args{}.inout(out), 2);                       // 1: consumes
        orch.copy(read, out);                                         // 2: consumes
        orch.submit(add, Args{}.inout(apart), 9);                     // 3: apart
        orch.submit(add, Args{}.inout(apart), 5);                     // 4
        orch.submit(add, Args{}.inout(after), 5);                     // 5
        orch.submit(add, Args{}.inout(in), 2);                        // 6: only after
        orch.copy(out, std::as_const(overwritten));                   // 7: writes all anew
        orch.submit(add, Args{}.inout(out), 2);                       // 8: and so this runs
        orch.submit_sub([&] { after[3] = 100; }, Args{}.out(after));  // 9
        orch.submit_sub([] {}, Args{}.in(read).in(apart));            // 10: consumes 2
      });
      const std::string text = refusal([&] { static_cast<void>(run.result()); });
      expect_part(text, "4 of 11 tasks failed or were not run\ntask 0 `" + way.callable.name +
                            "` on device 2 failed: " + way.text);
      expect_part(text, "\ntask 1 `adder` on device 2 was not run, because task 0 `" +
                            way.callable.name + "` failed\n");
      expect_part(text, "\ntask 10 `function` on the host was not run, because task 0 `");
      const GraphReport report = report_of(run);
      const std::vector<State> states = {State::failed, State::not_run, State::not_run, State::done,
                                         State::done,   State::done,    State::done,    State::done,
                                         State::done,   State::done,    State::not_run};
      ASSERT_EQ(report.tasks.size(), states.size());
      for (std::size_t i = 0; i < states.size(); ++i) {
        EXPECT_EQ(report.tasks[i].state, states[i]) << i;
      }
      EXPECT_EQ(report.tasks[10].failed_task, 0u);
      EXPECT_EQ(apart, std::vector<float>(8, 2));
      EXPECT_EQ(floats_of(worker, in), std::vector<float>(16, 1));
      EXPECT_EQ(floats_of(worker, out), std::vector<float>(16, 2));
      EXPECT_EQ(after, (std::vector<float>{2, 2, 2, 100}));
      EXPECT_EQ(read, std::vector<float>(16, 0));
      worker.run([&](Orchestrator& orch) { orch.submit(add, Args{}.inout(out), 2); });
      EXPECT_EQ(floats_of(worker, out), std::vector<float>(16, 3));
    }
  }
}

TEST(WorkerFailures, NothingIsWrittenBackOfATaskThatFails) {
  Worker worker = started();
  const CallableHandle bad = worker.add(thrower([] { throw std::runtime_error("late"); }));
  std::vector<float> host = {1, 2};
  static_cast<void>(report_of(
      worker.submit([&](Orchestrator& orch) { orch.submit(bad, Args{}.inout(host), 0); })));
  EXPECT_EQ(host, (std::vector<float>{1, 2}));
}

TEST(WorkerFailures, FunctionsOfTheHostFailTheirTask) {
  Worker worker = started();
  std::vector<float> v(1);
  const std::vector<std::pair<std::function<void()>, std::string>> ways = {
      {[] { throw std::runtime_error("on the host"); }, "on the host"},
      {[] { throw 7; }, "it throws what is no std::exception"},
      {[] { throw std::string("x"); }, "it throws what is no std::exception"},
      {[] { throw UsageError(""); }, "it throws an exception without a text"},
  };
  for (const auto& [throws, text] : ways) {
    const RunHandle run = worker.submit([&, function = throws](Orchestrator& orch) {
      const Task bad = orch.submit_sub(function, Args{}.inout(v).named("bad"));
      orch.submit_sub([&] { v[0] += 1; }, Args{}.in(v).named("consumer"));
      orch.submit_sub([&] { v[0] += 10; }, Args{}.after(bad).named("told"));
      orch.submit_sub([&] { v[0] += 100; }, Args{}.named("apart"));
    });
    EXPECT_EQ(
        refusal([&] { static_cast<void>(run.result()); }),
        "run " + std::to_string(report_of(run).run) +
            ": 3 of 4 tasks failed or were not run\ntask 0 `bad` on the host failed: " + text +
            "\ntask 1 `consumer` on the host was not run, because task 0 `bad` failed"
            "\ntask 2 `told` on the host was not run, because task 0 `bad` failed");
  }
  EXPECT_EQ(v[0], 400);
}

TEST(WorkerFailures, WhatTheOrchestrationThrowsComesOutAndThereIsNoRun) {
  Worker worker = started();
  const CallableHandle add = worker.add(adder());
  std::vector<float> v(1);
  const auto throwing = [&](Orchestrator& orch) {
    static_cast<void>(orch.allocate_domain({"d", {0}, 64}));
    orch.submit(add, Args{}.inout(v), 0);
    throw 5;
  };
  EXPECT_THROW(worker.run(throwing), int);
  EXPECT_THROW(static_cast<void>(worker.submit(throwing)), int);
  EXPECT_EQ(v[0], 0);
  const GraphReport report =
      worker.run([&](Orchestrator& orch) { orch.submit(add, Args{}.inout(v), 0); });
  EXPECT_EQ(report.run, 1u);
  EXPECT_EQ(v[0], 1);
}

TEST(WorkerFailures, AMemberThatFailsFailsItsGroupAndBreaksItsDomain) {
  for (const bool throws : {true, false}) {
    Worker worker = started(on_devices({5, 2, 9}));
    const CallableHandle reduce = worker.add(collective("all_reduce"));
    const CallableHandle one_bad =
        worker.add(device_function("one_bad", [throws](Device& self, const TaskArguments&) {
          const SignalRow row = self.allocate_signals("never", 1);
          if (self.rank() == 1 && throws) throw std::runtime_error("rank 1 is out");
          if (self.rank() != 1) self.wait(row[0]);
        }));
    std::vector<std::vector<float>> v(3, std::vector<float>(4, 1)), w = v;
    const GraphReport report = report_of(worker.submit([&](Orchestrator& orch) {
      const Domain broken = orch.allocate_domain({"broken", {5, 2, 9}, 64});
      const Domain sound = orch.allocate_domain({"sound", {9, 2}, 64});
      orch.submit_group(one_bad, {5, 2, 9}, [&](int rank) {
        return Args{}.inout(v[static_cast<std::size_t>(rank)]).context(broken[rank]);
      });
      for (const Domain* domain : {&broken, &sound}) {
        orch.submit_group(reduce, domain->devices(), [&](int rank) {
          return Args{}.inout(w[static_cast<std::size_t>(rank)]).context((*domain)[rank]);
        });
      }
    }));
    expect_part(describe_failures(report), throws ? "rank 1 is out" : "deadlock: it waits");
    if (!throws) expect_part(report.tasks[0].failure, "device 5 waits for 1 arrivals");
    if (!throws) expect_part(report.tasks[0].failure, "device 9 waits for 1 arrivals");
    expect_part(report.tasks[1].failure,
                "domain `broken` is left in the midst of task 0 `one_bad`, which failed; use "
                "another domain");
    // What the broken domain should have combined is what the next one would have taken in.
    EXPECT_EQ(report.tasks[2].state, State::not_run);
    worker.run([&](Orchestrator& orch) {
      const Domain broken = orch.allocate_domain({"broken", {5, 2, 9}, 64});
      orch.submit_group(reduce, {5, 2, 9}, [&](int rank) {
        return Args{}.inout(w[static_cast<std::size_t>(rank)]).context(broken[rank]);
      });
    });
    EXPECT_EQ(w, std::vector(3, std::vector<float>(4, 3)));
  }
}

TEST(WorkerFailures, TasksThatWaitForEachOtherOnOneDeviceAreFoundAndAdvised) {
  Worker worker = started(on_devices({5, 2}));
  const CallableHandle reduce = worker.add(collective("all_reduce"));
  std::vector<float> a(4, 1), b(4, 2);
  const auto submit = [&](Orchestrator& orch, bool is_group) {
    const Domain d = orch.allocate_domain({"pair", {5, 2}, 64});
    const std::vector<Args> args = {Args{}.inout(a).context(d[0]), Args{}.inout(b).context(d[1])};
    if (is_group) {
      orch.submit_group(reduce, {5, 2}, args);
      return;
    }
    // The second waits for the first, which waits for the second.
    const Task first = orch.submit(reduce, args[0], 5);
    orch.submit(reduce, Args(args[1]).after(first), 2);
  };
  const std::string text =
      refusal([&] { worker.run([&](Orchestrator& orch) { submit(orch, false); }); });
  expect_part(text,
              "task 0 `all_reduce` on device 5 failed: deadlock: it waits, and nobody can "
              "wake it\n  device 5 waits for ");
  expect_part(text,
              "\n  tasks that wait for each other have to start together: submit those on "
              "domain `pair` as one group\ntask 1 ");
  EXPECT_EQ(a, std::vector<float>(4, 1));
  worker.run([&](Orchestrator& orch) { submit(orch, true); });
  EXPECT_EQ(a, std::vector<float>(4, 3));
  // One device takes its tasks one after the other.
  const CallableHandle wait = worker.add(waiter()), add = worker.add(adder());
  const GraphReport report = report_of(worker.submit([&](Orchestrator& orch) {
    for (int i = 0; i < 3; ++i) orch.submit(wait, {}, 5);
    orch.submit(add, Args{}.inout(a), 5);
  }));
  EXPECT_EQ(report.failures(), 3u);
  EXPECT_EQ(a, std::vector<float>(4, 4));
}

// Its signal arrives where nobody must find it.
TEST(WorkerFailures, ASignalThatIsUnderWayWhenItsTaskFailsIsNoOthers) {
  for (const char* schedule : {"virtual", "random:1", "random:2", "random:3"}) {
    Worker worker = started({.schedule = schedule});
    const CallableHandle sends =
        worker.add(device_function("sends", [](Device& self, const TaskArguments&) {
          const SignalRow row = self.allocate_signals("never", 1);
          for (int i = 0; i < 10; ++i) self.notify(Rank{0}, row[0]);
          throw UsageError("it has notified itself");
        }));
    const CallableHandle wait = worker.add(waiter());
    const GraphReport report = report_of(worker.submit([&](Orchestrator& orch) {
      orch.submit(sends, {}, 0);
      orch.submit(wait, {}, 0);
    }));
    expect_part(report.tasks[1].failure, "deadlock: it waits");
  }
}

TEST(WorkerFailures, TheShimOfAKernelMayCrash) {
  const TemporaryFolder folder;
  std::ofstream(folder.path("kernel.cpp")) << "#include <pto/pto-inst.hpp>\n"
                                              "extern \"C\" void kernel_entry(int64_t*) {}\n";
  std::ofstream(folder.path("orch.cpp"))
      << "#include \"pto_orchestration_api.h\"\nextern \"C\" {\n"
         "__attribute__((visibility(\"default\"))) PTO2OrchestrationConfig "
         "o_config(const ChipTaskArgs&) { return {.expected_arg_count = 2}; }\n"
         "__attribute__((visibility(\"default\"))) void o(const ChipTaskArgs& args) {\n"
         "  if (args.scalar(0) == 1) *(volatile int*)16 = 1;\n"
         "  for (volatile int i = 0; args.scalar(0) == 2;) i = i + 1;\n}\n}\n";
  std::ofstream(folder.path("case.toml"))
      << "ranks = [1]\nargs = [ { in = \"f32[4]\", fill = \"0\" }, { scalar = \"0\" } "
         "]\n[[kernel]]\nid = 0\n"
         "file = \"kernel.cpp\"\n[orchestration]\nfile = \"orch.cpp\"\nname = \"o\"\n";
  Worker worker = started({.time_limit_seconds = 0.2});
  const CallableHandle shim = worker.add(pto_kernel(folder.path("case.toml")));
  std::vector<float> v(4);
  const auto outcome = [&](int how) {
    return report_of(worker.submit([&](Orchestrator& orch) {
             orch.submit(shim, Args{}.in(v).scalar(how), 0);
           }))
        .tasks[0]
        .failure;
  };
  expect_part(outcome(1), "orchestration crashed: it used the bad pointer 0x10");
  expect_part(outcome(2), "orchestration crashed: it ran for ");
  EXPECT_EQ(outcome(0), "");
}

// A function of the host may use another worker, whose guard against crashes lives meanwhile.
TEST(WorkerFailures, AWorkerInAFunctionOfAnotherLeavesItsGuard) {
  Worker outer = started({.devices = {2}, .time_limit_seconds = 0.2});
  const CallableHandle bad = outer.add(divided().callable());
  const CallableHandle long_one = outer.add(endless().callable());
  std::vector<float> v(4), w(4);
  const GraphReport report = report_of(outer.submit([&](Orchestrator& orch) {
    orch.submit_sub(
        [&] {
          Worker inner = started();
          const CallableHandle add = inner.add(adder());
          inner.run([&](Orchestrator& own) { own.submit(add, Args{}.inout(v), 0); });
        },
        Args{}.out(v));
    orch.submit(bad, Args{}.in(v).out(w), 2);
    orch.submit(long_one, Args{}.in(v).out(w), 2);
  }));
  EXPECT_EQ(v, std::vector<float>(4, 1));
  expect_part(report.tasks[1].failure, "an integer was divided by zero");
  expect_part(report.tasks[2].failure, "it ran for ");
}

// Lines of /proc/self/maps, open files, and resident bytes.
struct Held {
  std::size_t mappings = 0, files = 0, resident_bytes = 0;
};

Held held() {
  Held result;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) ++result.mappings;
  for (const auto& file : std::filesystem::directory_iterator("/proc/self/fd")) {
    static_cast<void>(file);
    ++result.files;
  }
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;
  result.resident_bytes = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return result;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int failing_runs = 300;
constexpr std::size_t resident_slack = 64u << 20;  // what is freed is kept for a while
constexpr std::size_t mapping_slack = 8;           // the sanitizer maps memory of its own
#else
constexpr int failing_runs = 1000;
constexpr std::size_t resident_slack = 4u << 20;
constexpr std::size_t mapping_slack = 3;
#endif

TEST(WorkerFailures, NothingIsLeftBehind) {
  Worker worker = started({.devices = {5, 2, 9}, .time_limit_seconds = 0.1});
  const CallableHandle add = worker.add(adder());
  const CallableHandle reduce = worker.add(collective("all_reduce"));
  struct Way {
    CallableHandle callable;
    bool is_slow;
  };
  std::vector<Way> ways;
  for (const WayToFail& way : ways_to_fail()) {
    ways.push_back({worker.add(way.callable), way.name == "endless"});
  }
  std::vector<float> v(4), w(4);
  const auto run_once = [&](int number) {
    const Way& way = ways[static_cast<std::size_t>(number) % ways.size()];
    if (way.is_slow && number >= static_cast<int>(2 * ways.size())) return;
    std::vector<float> x(4);
    const GraphReport report = report_of(worker.submit([&](Orchestrator& orch) {
      const Domain d =
          orch.allocate_domain({"d", {5, 2, 9}, 100'000, {{.name = "x", .count = 1000}}});
      orch.submit_group(reduce, {5, 2, 9}, [&](int rank) {
        return Args{}.inout(d[rank].buffer("x")).context(d[rank]);
      });
      orch.submit(way.callable, Args{}.in(v).inout(w), 2);
      orch.submit(add, Args{}.inout(w), 2);
      orch.submit(add, Args{}.inout(x), 9);
      if (number % 3 == 0) orch.submit_sub([] { throw 1; });
    }));
    EXPECT_EQ(report.tasks[1].state, State::failed);
    EXPECT_EQ(report.tasks[2].state, State::not_run);
    EXPECT_EQ(x, std::vector<float>(4, 1));
  };
  for (int number = 0; number < 40; ++number) run_once(number);
  const Held before = held();
  for (int number = 40; number < failing_runs; ++number) run_once(number);
  const Held after = held();
  EXPECT_EQ(after.files, before.files);
  EXPECT_LE(after.mappings, before.mappings + mapping_slack);
  EXPECT_LE(after.resident_bytes, before.resident_bytes + resident_slack);
}

}  // namespace
}  // namespace peal
