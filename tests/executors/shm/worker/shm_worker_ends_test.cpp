// SPDX-License-Identifier: Apache-2.0
// Processes of a worker's devices that end before it: what is said of them, and what stays.
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "peal/base/random.h"
#include "tests/support/program.h"
#include "tests/support/shm_worker.h"

namespace peal {
namespace {

using ShmWorkerEnds = ShmWorker;

void leave_at_once(Device&, const TaskArguments&) { ::_exit(3); }
void leave(Device&, const TaskArguments&) { std::exit(4); }
void kill_itself(Device&, const TaskArguments&) { ::raise(SIGKILL); }

TEST_F(ShmWorkerEnds, ADeviceThatEndsIsNamedAndTheNextRunHasAnother) {
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
    EXPECT_LT(seconds_since(begin), 30);  // the work would take 100
    expect_part(text, ": device 2 (process ");
    expect_part(text, ways[way].second);
    worker.run([&](Orchestrator& orch) { orch.submit(add, Args{}.inout(kept), 2); });
    EXPECT_EQ(floats_of(worker, kept), std::vector<float>(3, static_cast<float>(way + 1)));
  }
}

// The memory is not there, and other things may lie where it was.
TEST_F(ShmWorkerEnds, AProcessThatWasForkedMayLetGoOfItsWorker) {
  std::optional<Worker> worker(open_worker(real({0, 1})));
  const CallableHandle add = worker->add(device_function("add", add_one));
  worker->start();
  std::optional<Buffer> buffer = worker->allocate({.device = 1, .count = 1000});
  const int code = code_of_child([&] {
    std::vector<std::vector<char>> others;
    for (int i = 0; i < 64; ++i) others.emplace_back(std::size_t{1} << 21, 'x');
    buffer.reset();
    worker.reset();
    for (const std::vector<char>& other : others) {
      if (other.front() != 'x' || other.back() != 'x') return 1;
    }
    return 0;
  });
  EXPECT_EQ(code, 0);
  worker->run([&](Orchestrator& orch) { orch.submit(add, Args{}.inout(*buffer), 1); });
  EXPECT_EQ(floats_of(*worker, *buffer), std::vector<float>(1000, 1));
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

TEST_F(ShmWorkerEnds, ADeviceThatIsKilledAtAnyMomentIsToldWithinASecond) {
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
        EXPECT_LT(seconds_since(begin), has_failed ? 30 : 60);
      }
    }
    for (auto& part : data) part.assign(1000, 0);
    worker.run(sums);
    if (i % 4 == 0) worker.run(sums);
  }
}

TEST_F(ShmWorkerEnds, WithoutTheirSupervisorDevicesEnd) {
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

TEST_F(ShmWorkerEnds, WhenTheProcessThatDrivesThemIsKilledSoAreTheDevices) {
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
  // The supervisor's end makes its children those of this process.
  for (pid_t process : {processes[2], processes[0], processes[1]}) {
    int status = 0;
    const pid_t ended = ::waitpid(process, &status, 0);
    if (ended < 0 && process != processes[2]) {  // the supervisor has seen its end before its own
      EXPECT_EQ(errno, ECHILD);
      EXPECT_EQ(::kill(process, 0), -1);
      continue;
    }
    EXPECT_EQ(ended, process);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }
  EXPECT_LT(seconds_since(begin), 30);
  ::close(ends[0]);
  ::close(ends[1]);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

}  // namespace
}  // namespace peal
