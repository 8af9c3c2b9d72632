// SPDX-License-Identifier: Apache-2.0
// Workers whose devices are processes: what only those can do, and what they refuse.
#include "tests/support/shm_worker.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "peal/base/random.h"
#include "peal/executors/shm/processors.h"
#include "peal/machine/window.h"

namespace peal {
namespace {

using State = TaskRecord::State;
void throw_error(Device&, const TaskArguments&) { throw std::runtime_error("no luck"); }
void throw_nothing_said(Device&, const TaskArguments&) { throw std::runtime_error(""); }
void throw_number(Device&, const TaskArguments&) { throw 7; }
void one_is_bad(Device& self, const TaskArguments& args) {
  const SignalRow row = self.allocate_signals("never", 1);
  if (self.rank() == 1 && args.scalar<bool>(1)) throw std::runtime_error("rank 1 is out");
  if (self.rank() != 1) self.wait(row[0]);
}

TEST_F(ShmWorker, DevicesAreProcessesThatEndWithTheWorker) {
  for (int devices : {1, 2, 4, 8}) {
    std::vector<int> numbers;
    for (int i = 0; i < devices; ++i) numbers.push_back(3 * i + 1);
    std::vector<pid_t> processes;
    {
      Worker worker = open_worker(real(numbers));
      const CallableHandle who = worker.add(device_function("who", say_who));
      worker.start();
      processes = processes_of(worker, who);
      EXPECT_EQ(processes_of(worker, who), processes);
      for (pid_t process : processes) EXPECT_FALSE(is_gone(process));
    }
    for (pid_t process : processes) EXPECT_TRUE(is_gone(process));
  }
}

// Until they are seen on different processors, or have met so often. Both begin on one.
void meet_until_apart(Device& self, const TaskArguments& args) {
  cpu_set_t allowed, one;
  CPU_ZERO(&one);
  CPU_SET(args.scalar<int>(1), &one);
  ::sched_getaffinity(0, sizeof(allowed), &allowed);
  ::sched_setaffinity(0, sizeof(one), &one);
  ::sched_setaffinity(0, sizeof(allowed), &allowed);
  const SignalRow row = self.allocate_signals("meetings", 2);
  const Rank other{1 - self.rank()};
  std::int32_t processors[2] = {0, 0};
  int meetings = 0;
  for (; meetings < args.scalar<int>(2) && processors[0] == processors[1]; ++meetings) {
    processors[0] = ::sched_getcpu();
    const Signal& signal = row[meetings % 2];
    self.put_notify(other, payload(signal, 1, DType::i32), View::of(std::span(processors).first(1)),
                    signal);
    self.wait(signal);
    std::memcpy(processors + 1, self.read(payload(signal, 1, DType::i32)).data(), sizeof(int));
  }
  args.elements<std::int32_t>(0)[0] = meetings;
}

TEST_F(ShmWorker, DevicesThatWaitOnOneProcessorAreParted) {
  if (usable_processors() < 2) GTEST_SKIP() << "there is one processor";
  constexpr int most = 20'000;
  Worker worker = open_worker(real({0, 1}));
  const CallableHandle meet = worker.add(device_function("meet", meet_until_apart));
  worker.start();
  // The system parts processes that have just been started by itself, but not later.
  for (int round = 0; round < 4; ++round) {
    std::vector<std::int32_t> meetings(2);
    worker.run([&](Orchestrator& orch) {
      const Domain pair = orch.allocate_domain({"pair", {0, 1}, 64});
      orch.submit_group(meet, {0, 1}, [&](int rank) {
        return Args{}
            .out(std::span(meetings).subspan(static_cast<std::size_t>(rank), 1))
            .scalar(::sched_getcpu())
            .scalar(most)
            .context(pair[rank]);
      });
    });
    EXPECT_LT(meetings[0], most);
    EXPECT_EQ(meetings[0], meetings[1]);
  }
}

TEST_F(ShmWorker, OneThatIsNotStartedLeavesNothingEither) {
  static_cast<void>(open_worker(real({0, 1})));
  Worker worker = open_worker(real({0, 1}));
  worker.start();
  worker.close();
  EXPECT_FALSE(held().has_children);
}

TEST_F(ShmWorker, MemoryOfDevicesIsMadeAndGivenBackInAnyOrder) {
  Worker worker = open_worker(real({5, 2}));
  const CallableHandle add = worker.add(device_function("add", add_one));
  worker.start();
  Random random(1);
  std::vector<Buffer> buffers;
  for (int i = 0; i < 300; ++i) {
    if (buffers.size() > 20) {
      const auto gone = static_cast<std::ptrdiff_t>(random.below(buffers.size()));
      worker.free(buffers[static_cast<std::size_t>(gone)]);
      buffers.erase(buffers.begin() + gone);
    }
    const auto count = static_cast<std::size_t>(random.below(i % 50 == 0 ? 200'000 : 300));
    buffers.push_back(worker.allocate({.device = i % 2 == 0 ? 5 : 2, .count = count}));
    ASSERT_EQ(floats_of(worker, buffers.back()), std::vector<float>(count, 0)) << i;
    const Buffer last = buffers.back();
    worker.run([&](Orchestrator& orch) { orch.submit(add, Args{}.inout(last), last.device()); });
  }
  for (const Buffer& buffer : buffers) {
    EXPECT_EQ(floats_of(worker, buffer), std::vector<float>(buffer.count(), 1));
  }
}

TEST_F(ShmWorker, AFailureIsToldItsConsumersAreNotRunAndOthersAre) {
  const std::vector<std::pair<Callable, std::string>> ways = {
      {device_function("error", throw_error), "no luck"},
      {device_function("silent", throw_nothing_said), "it throws an exception without a text"},
      {device_function("number", throw_number), "it throws what is no std::exception"},
      {device_function("waiter", wait_in_vain),
       "deadlock: it waits, and nobody can wake it\n  device 2 waits for 1 arrivals at `never[1]`, "
       "1 of them are missing   tests/support/shm_worker.h:"}};
  Worker worker = open_worker(real({5, 2, 9}));
  const CallableHandle add = worker.add(device_function("add", add_one));
  std::vector<CallableHandle> bad;
  for (const auto& [callable, text] : ways) bad.push_back(worker.add(callable));
  worker.start();
  for (int round = 0; round < 40; ++round) {
    const std::size_t way = static_cast<std::size_t>(round) % ways.size();
    std::vector<float> taken(4), apart(4);
    const GraphReport report = report_of(worker.submit([&](Orchestrator& orch) {
      orch.submit(bad[way], Args{}.inout(taken), 2);
      orch.submit(add, Args{}.inout(taken), 2);
      orch.submit(add, Args{}.inout(apart), 9);
      orch.submit(add, Args{}.inout(apart), 2);
    }));
    ASSERT_EQ(report.failures(), 2u);
    EXPECT_TRUE(report.tasks[0].failure.starts_with(ways[way].second)) << report.tasks[0].failure;
    EXPECT_EQ(report.tasks[1].state, State::not_run);
    EXPECT_EQ(taken, std::vector<float>(4, 0));
    EXPECT_EQ(apart, std::vector<float>(4, 2));
  }
}

TEST_F(ShmWorker, AMemberThatFailsFailsItsGroupAndBreaksItsDomain) {
  for (const bool throws : {true, false}) {
    Worker worker = open_worker(real({5, 2, 9}));
    const CallableHandle reduce = worker.add(collective("all_reduce"));
    const CallableHandle bad = worker.add(device_function("one_bad", one_is_bad));
    worker.start();
    std::vector<std::vector<float>> v(3, std::vector<float>(4, 1)), w = v;
    const auto sum = [&](Orchestrator& orch, const Domain& domain) {
      orch.submit_group(reduce, domain.devices(), [&](int rank) {
        return Args{}.inout(w[static_cast<std::size_t>(rank)]).context(domain[rank]);
      });
    };
    const GraphReport report = report_of(worker.submit([&](Orchestrator& orch) {
      const Domain broken = orch.allocate_domain({"broken", {5, 2, 9}, 64});
      const Domain sound = orch.allocate_domain({"sound", {9, 2}, 64});
      orch.submit_group(bad, {5, 2, 9}, [&](int rank) {
        return Args{}.inout(v[static_cast<std::size_t>(rank)]).scalar(throws).context(broken[rank]);
      });
      sum(orch, sound);
      sum(orch, broken);
    }));
    expect_part(report.tasks[0].failure,
                throws ? "rank 1 is out" : "device 5 waits for 1 arrivals");
    if (!throws)
      expect_part(report.tasks[0].failure, "device 9 waits for 1 arrivals at `never[0]`");
    EXPECT_EQ(report.tasks[1].state, State::done);
    expect_part(report.tasks[2].failure, "domain `broken` is left in the midst of task 0");
    EXPECT_EQ(w[0][0], 2);
    worker.run([&](Orchestrator& orch) {
      const Domain fresh = orch.allocate_domain({"broken", {5, 2, 9}, 64});
      sum(orch, fresh);
    });
    EXPECT_EQ(w[0][0], 5);
  }
}

TEST_F(ShmWorker, TasksThatWaitForEachOtherOneByOneAreFoundAndAdvised) {
  Worker worker = open_worker(real({5, 2}));
  const CallableHandle reduce = worker.add(collective("all_reduce"));
  worker.start();
  std::vector<float> a(4, 1), b(4, 2);
  const std::string text = refusal([&] {
    worker.run([&](Orchestrator& orch) {
      const Domain d = orch.allocate_domain({"pair", {5, 2}, 64});
      const Task first = orch.submit(reduce, Args{}.inout(a).context(d[0]), 5);
      orch.submit(reduce, Args{}.inout(b).context(d[1]).after(first), 2);
    });
  });
  expect_part(text, "task 0 `all_reduce` on device 5 failed: deadlock: it waits, and nobody can");
  expect_part(text, "submit those on domain `pair` as one group");
}

TEST_F(ShmWorker, AWaitHasATimeLimitAndTheRunGoesOn) {
  Worker worker = open_worker(real({5, 2}));
  const CallableHandle work = worker.add(device_function("work", work_for));
  worker.start();
  const RunHandle run = worker.submit(
      [&](Orchestrator& orch) { orch.submit(work, Args{}.scalar(0.2).named("long"), 2); });
  const std::string text = refusal([&] { run.wait(std::chrono::milliseconds(20)); });
  expect_part(text, "0 of its 1 tasks have ended\n  task 0 `long` on device 2 runs");
  EXPECT_GE(run.result().time_ps, 200'000'000'000);
  EXPECT_EQ(run.result().tasks[0].state, State::done);
  // What has not ended is dropped when the worker is closed.
  const RunHandle endless =
      worker.submit([&](Orchestrator& orch) { orch.submit(work, Args{}.scalar(1000.0), 2); });
  EXPECT_NE(refusal([&] { endless.wait(std::chrono::milliseconds(20)); }), "nothing is thrown");
  const Clock::time_point begin = Clock::now();
  worker.close();
  EXPECT_LT(seconds_since(begin), 30);  // the work would take 1000
  expect_part(refusal([&] { static_cast<void>(endless.result()); }), "it was dropped, because");
}

// Files that device processes have been told to load would be others than this one has.
class LateKernel {
 public:
  LateKernel() {
    std::ofstream(folder_.path("late.cpp"))
        << "#include \"peal/machine/kernel.h\"\n"
           "static void run(peal::Device& self, const peal::KernelArguments& args) {\n"
           "  self.copy(args.buffer(\"out\"), args.buffer(\"in\"));\n}\n"
           "peal::Kernel peal_kernel() {\n"
           "  return {.name = \"late\", .run = run, .buffers = {\n"
           "    {.name = \"in\", .kind = peal::KernelBuffer::Kind::input, .count = \"4\"},\n"
           "    {.name = \"out\", .kind = peal::KernelBuffer::Kind::output, .count = \"4\"}}};\n}\n"
        << "// " << ::getpid() << "\n";
  }
  [[nodiscard]] Callable callable() const { return kernel_file(folder_.path("late.cpp")); }

 private:
  TemporaryFolder folder_;
};

TEST_F(ShmWorker, WhatDeviceProcessesCannotHaveIsRefusedByName) {
  float amount = 2;
  const auto starting = [](const Callable& callable) {
    Worker worker = open_worker(real({5}));
    worker.add(callable);
    return refusal([&] { worker.start(); });
  };
  EXPECT_EQ(starting(adder(amount)),
            "callable `adder` cannot run on platform shm: its function has data of its own, such "
            "as a lambda's captures, which other processes do not have; give a plain function, or "
            "a lambda without captures, and the data as arguments of the task");
  expect_part(
      starting(kernel(
          {.name = "held",
           .run = [amount](Device&, const KernelArguments&) { static_cast<void>(amount); }})),
      "callable `held` cannot run on platform shm: its `run` has data of its own");
  expect_part(starting(PtoSource("").callable()),
              "callable `kernel` is written for a chip, as PTO kernels are, and platform shm has "
              "none; use one of a2a3sim, a5sim, hostsim");
  Worker worker = open_worker(real({5}));
  worker.start();
  EXPECT_EQ(refusal([&] { worker.add(device_function("add", add_one)); }),
            "callable `add` is added after start(), and devices of platform shm are processes that "
            "know only what was added before; add it before start()");
}

TEST_F(ShmWorker, AKernelHasToBeLoadedBeforeTheWorkerIsOpened) {
  const LateKernel source;
  Worker early = open_worker(real({5}));
  const Callable loaded = source.callable();
  early.add(loaded);
  const std::string text = refusal([&] { early.start(); });
  expect_part(text, "callable `late`: its function lies in `");
  expect_part(text, "which was loaded after the worker was opened");
  EXPECT_EQ(early.phase(), WorkerPhase::failed);
  Worker worker = open_worker(real({5}));
  const CallableHandle kernel = worker.add(loaded);
  worker.start();
  std::vector<float> in = {1, 2, 3, 4}, out(4);
  worker.run([&](Orchestrator& orch) { orch.submit(kernel, Args{}.in(in).out(out), 5); });
  EXPECT_EQ(out, in);
}

TEST_F(ShmWorker, OptionsThatOnlyASimulationHasAreRefused) {
  const auto opening = [](const WorkerOptions& options) {
    return refusal([&] { static_cast<void>(open_worker(options)); });
  };
  EXPECT_EQ(opening({.platform = "shm", .checks = true}),
            "worker: platform shm runs for real, which has no events that checks could read; leave "
            "the checks off, or use one of a2a3sim, a5sim, hostsim");
  EXPECT_EQ(opening({.platform = "shm", .schedule = "random:1"}),
            "worker: platform shm runs for real, where schedule `random:1` cannot be chosen; leave "
            "it away, or use one of a2a3sim, a5sim, hostsim");
  EXPECT_EQ(opening(real({})),
            "worker: no devices are given; name at least one, such as .devices = {0}");
  std::vector<int> many(5000);
  for (int i = 0; i < 5000; ++i) many[static_cast<std::size_t>(i)] = i;
  EXPECT_EQ(opening(real(many)), "worker: 5000 devices; platform shm takes 1 to 4096");
}

TEST_F(ShmWorker, OpeningNeedsASingleThread) {
  std::promise<void> end;
  std::thread other([&] { end.get_future().wait(); });
  const std::string text = refusal([] { static_cast<void>(open_worker(real({0}))); });
  end.set_value();
  other.join();
  expect_part(text, "worker: the process has ");
  expect_part(text,
              " threads, and devices of platform shm are processes, which cannot be forked "
              "safely then; open the worker before threads are started");
  // Afterwards there may be as many as one likes.
  Worker worker = open_worker(real({0}));
  const CallableHandle add = worker.add(device_function("add", add_one));
  std::promise<void> later;
  std::thread second([&] { later.get_future().wait(); });
  worker.start();
  std::vector<float> v(1);
  worker.run([&](Orchestrator& orch) { orch.submit(add, Args{}.inout(v), 0); });
  EXPECT_EQ(v[0], 1);
  later.set_value();
  second.join();
}

TEST_F(ShmWorker, SeveralWorkersAreApart) {
  Worker first = open_worker(real({0, 1}));
  const CallableHandle add = first.add(device_function("add", add_one));
  first.start();
  std::vector<float> v(1);
  {
    Worker second = open_worker(real({0, 1, 2}));
    const CallableHandle twice = second.add(device_function("add", add_one));
    second.start();
    const RunHandle run =
        first.submit([&](Orchestrator& orch) { orch.submit(add, Args{}.inout(v), 1); });
    second.run([&](Orchestrator& orch) { orch.submit(twice, Args{}.inout(v), 2); });
    run.wait();
  }
  first.run([&](Orchestrator& orch) { orch.submit(add, Args{}.inout(v), 0); });
  EXPECT_EQ(v[0], 3);
}

}  // namespace
}  // namespace peal
