// SPDX-License-Identifier: Apache-2.0
// Workers whose devices are processes: what only those can do, and what they refuse.
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "peal/base/random.h"
#include "tests/worker_run.h"

namespace peal {
namespace {

using State = TaskRecord::State;
using Clock = std::chrono::steady_clock;

WorkerOptions real(std::vector<int> devices) {
  return {.platform = "shm", .devices = std::move(devices)};
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// What device functions do.
void add_one(Device&, const TaskArguments& args) {
  for (float& value : args.elements<float>(0)) value += 1;
}
void say_who(Device&, const TaskArguments& args) {
  args.elements<std::int32_t>(0)[0] = ::getpid();
  args.elements<std::int32_t>(0)[1] = ::getppid();
}
void throw_error(Device&, const TaskArguments&) { throw std::runtime_error("no luck"); }
void throw_nothing_said(Device&, const TaskArguments&) { throw std::runtime_error(""); }
void throw_number(Device&, const TaskArguments&) { throw 7; }
void wait_in_vain(Device& self, const TaskArguments&) {
  const SignalRow row = self.allocate_signals("never", 2);
  self.wait(row[1]);
}
void one_is_bad(Device& self, const TaskArguments& args) {
  const SignalRow row = self.allocate_signals("never", 1);
  if (self.rank() == 1 && args.scalar<bool>(1)) throw std::runtime_error("rank 1 is out");
  if (self.rank() != 1) self.wait(row[0]);
}
void leave_at_once(Device&, const TaskArguments&) { ::_exit(3); }
void leave(Device&, const TaskArguments&) { std::exit(4); }
void kill_itself(Device&, const TaskArguments&) { ::raise(SIGKILL); }
void work_for(Device&, const TaskArguments& args) {
  const Clock::time_point begin = Clock::now();
  while (seconds_since(begin) < args.scalar<double>(0)) {
  }
}

// What a process has open and has started.
struct Held {
  std::ptrdiff_t files = 0, shared = 0;
  bool has_children = false;
  auto operator<=>(const Held&) const = default;
};

Held held() {
  const auto count = [](const char* folder) {
    return std::distance(std::filesystem::directory_iterator(folder), {});
  };
  return {.files = count("/proc/self/fd"),
          .shared = count("/dev/shm"),
          .has_children = ::waitpid(-1, nullptr, WNOHANG) >= 0};
}

// Ends like it began.
class ShmWorker : public testing::Test {
 protected:
  void SetUp() override { before_ = held(); }
  void TearDown() override {
    EXPECT_EQ(held(), before_);
    EXPECT_FALSE(before_.has_children);
  }

 private:
  Held before_;
};

// The processes of the devices, in their order, and behind them that of their keeper.
std::vector<pid_t> processes_of(Worker& worker, CallableHandle who) {
  std::vector<std::vector<std::int32_t>> ids(worker.devices().size(), {0, 0});
  worker.run([&](Orchestrator& orch) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      orch.submit(who, Args{}.out(ids[i]), worker.devices()[i]);
    }
  });
  std::vector<pid_t> result;
  for (const auto& id : ids) result.push_back(id[0]);
  result.push_back(ids.back()[1]);
  return result;
}

bool is_gone(pid_t process) { return ::kill(process, 0) != 0 && errno == ESRCH; }

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
       "1 of them are missing   tests/shm_worker_test.cpp:"}};
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

TEST_F(ShmWorker, ADeviceThatEndsIsNamedAndTheNextRunHasAnother) {
  const std::vector<std::pair<Callable, std::string>> ways = {
      {device_function("exits", leave_at_once), ") exited with code 3 before its end while task 2"},
      {device_function("leaves", leave), ") exited with code 4 before its end while task 2 ran on"},
      {device_function("killed", kill_itself), ") was killed by signal 9 (Killed) while task 2"}};
  Worker worker = open_worker(real({5, 2, 9}));
  const CallableHandle add = worker.add(device_function("add", add_one));
  const CallableHandle wait = worker.add(device_function("waiter", wait_in_vain));
  const CallableHandle work = worker.add(device_function("work", work_for));
  std::vector<CallableHandle> bad;
  for (const auto& [callable, text] : ways) bad.push_back(worker.add(callable));
  worker.start();
  const Buffer kept = worker.allocate({.device = 2, .count = 3});
  for (std::size_t way = 0; way < ways.size(); ++way) {
    const Clock::time_point begin = Clock::now();
    const std::string text = refusal([&] {
      worker.run([&](Orchestrator& orch) {
        orch.submit(work, Args{}.scalar(100.0), 5);
        orch.submit(wait, {}, 9);
        orch.submit(bad[way], {}, 2);
      });
    });
    EXPECT_LT(seconds_since(begin), 1);
    expect_part(text, ": device 2 (process ");
    expect_part(text, ways[way].second);
    worker.run([&](Orchestrator& orch) { orch.submit(add, Args{}.inout(kept), 2); });
    EXPECT_EQ(floats_of(worker, kept), std::vector<float>(3, static_cast<float>(way + 1)));
  }
}

// Kills the process after so many microseconds.
class Killer {
 public:
  Killer(pid_t victim, std::uint64_t after_us) : own_(::fork()) {
    if (own_ != 0) return;
    std::this_thread::sleep_for(std::chrono::microseconds(after_us));
    ::kill(victim, SIGKILL);
    ::_exit(0);
  }
  ~Killer() { ::waitpid(own_, nullptr, 0); }
  Killer(const Killer&) = delete;
  Killer& operator=(const Killer&) = delete;

 private:
  pid_t own_;
};

TEST_F(ShmWorker, ADeviceThatIsKilledAtAnyMomentIsToldWithinASecond) {
  // By hand: PEAL_KILLS=500 for as many.
  const char* const wanted = std::getenv("PEAL_KILLS");
  Worker worker = open_worker(real({5, 2, 9, 4}));
  const CallableHandle reduce = worker.add(collective("all_reduce"));
  const CallableHandle who = worker.add(device_function("who", say_who));
  worker.start();
  Random random(7);
  std::vector<std::vector<float>> data(4, std::vector<float>(1000, 1));
  const auto sums = [&](Orchestrator& orch) {
    const Domain domain = orch.allocate_domain({"d", {5, 2, 9, 4}, 64});
    for (int i = 0; i < 300; ++i) {
      orch.submit_group(reduce, domain.devices(), [&](int rank) {
        return Args{}.inout(data[static_cast<std::size_t>(rank)]).context(domain[rank]);
      });
    }
  };
  for (int i = wanted == nullptr ? 10 : std::atoi(wanted); i > 0; --i) {
    const std::vector<pid_t> processes = processes_of(worker, who);
    const auto victim = static_cast<std::size_t>(random.below(4));
    const std::string name = "device " + std::to_string(worker.devices()[victim]) + " (process " +
                             std::to_string(processes[victim]) + ") was killed by signal 9";
    {
      const Killer killer(processes[victim], random.below(3000));
      for (bool has_failed = false; !has_failed && !is_gone(processes[victim]);) {
        const Clock::time_point begin = Clock::now();
        const std::string text = refusal([&] { worker.run(sums); });
        has_failed = text != "nothing is thrown";
        if (has_failed) expect_part(text, name);
        EXPECT_LT(seconds_since(begin), has_failed ? 1.5 : 60);
      }
    }
    for (auto& part : data) part.assign(1000, 0);
    worker.run(sums);
    if (i % 4 == 0) worker.run(sums);
  }
}

TEST_F(ShmWorker, WithoutTheirKeeperDevicesEnd) {
  std::vector<pid_t> processes;
  // They end as children of this process, which otherwise might never know.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  {
    Worker worker = open_worker(real({5, 2}));
    const CallableHandle who = worker.add(device_function("who", say_who));
    const CallableHandle work = worker.add(device_function("work", work_for));
    worker.start();
    processes = processes_of(worker, who);
    const Killer killer(processes.back(), 1000);
    for (int run = 0; run < 2; ++run) {
      expect_part(
          refusal([&] {
            worker.run([&](Orchestrator& orch) { orch.submit(work, Args{}.scalar(100.0), 5); });
          }),
          "the process " + std::to_string(processes.back()) +
              ", which kept the worker's devices, has ended, and the devices with it; open");
    }
  }
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(::waitpid(processes[i], nullptr, 0), processes[i]);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_F(ShmWorker, WhenTheProcessThatDrivesThemIsKilledSoAreTheDevices) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t driving = ::fork();
  if (driving == 0) {
    Worker worker = open_worker(real({5, 2}));
    const CallableHandle who = worker.add(device_function("who", say_who));
    const CallableHandle work = worker.add(device_function("work", work_for));
    worker.start();
    const std::vector<pid_t> processes = processes_of(worker, who);
    static_cast<void>(::write(ends[1], processes.data(), 3 * sizeof(pid_t)));
    worker.run([&](Orchestrator& orch) { orch.submit(work, Args{}.scalar(100.0), 5); });
    ::_exit(0);
  }
  pid_t processes[3] = {};
  ASSERT_EQ(::read(ends[0], processes, sizeof(processes)), static_cast<ssize_t>(sizeof(processes)));
  const Clock::time_point begin = Clock::now();
  ::kill(driving, SIGKILL);
  EXPECT_EQ(::waitpid(driving, nullptr, 0), driving);
  // The keeper's end makes its children those of this process.
  for (pid_t process : {processes[2], processes[0], processes[1]}) {
    int status = 0;
    EXPECT_EQ(::waitpid(process, &status, 0), process);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }
  EXPECT_LT(seconds_since(begin), 1);
  ::close(ends[0]);
  ::close(ends[1]);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
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
  EXPECT_LT(seconds_since(begin), 1);
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
