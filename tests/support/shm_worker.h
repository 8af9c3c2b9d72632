// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/worker_run.h"

namespace peal {

using Clock = std::chrono::steady_clock;

inline WorkerOptions real(std::vector<int> devices) {
  return {.platform = "shm", .devices = std::move(devices)};
}

inline double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// What device functions do.
inline void add_one(Device&, const TaskArguments& args) {
  for (float& value : args.elements<float>(0)) value += 1;
}
inline void say_who(Device&, const TaskArguments& args) {
  args.elements<std::int32_t>(0)[0] = ::getpid();
  args.elements<std::int32_t>(0)[1] = ::getppid();
}
inline void wait_in_vain(Device& self, const TaskArguments&) {
  const SignalRow row = self.allocate_signals("never", 2);
  self.notify(Rank{self.rank()}, row[1]);
  self.wait(row[1]);
  self.wait(row[1]);
}
inline void work_for(Device&, const TaskArguments& args) {
  const Clock::time_point begin = Clock::now();
  while (seconds_since(begin) < args.scalar<double>(0)) {
  }
}

// What a process has open and has started.
struct Held {
  std::ptrdiff_t files = 0;
  bool has_shared_files = false;
  bool has_children = false;
  auto operator<=>(const Held&) const = default;
};

inline Held held() {
  using std::filesystem::directory_iterator;
  return {.files = std::distance(directory_iterator("/proc/self/fd"), {}),
          .has_shared_files = std::any_of(directory_iterator("/dev/shm"), {},
                                          [](const auto& entry) {
                                            return entry.path().string().find("peal") !=
                                                   std::string::npos;
                                          }),
          .has_children = ::waitpid(-1, nullptr, WNOHANG) >= 0};
}

// Ends like it began.
class ShmWorker : public testing::Test {
 protected:
  void SetUp() override { before_ = held(); }
  void TearDown() override {
    EXPECT_EQ(held(), before_);
    EXPECT_FALSE(before_.has_children || before_.has_shared_files);
  }

 private:
  Held before_;
};

// The processes of the devices, in their order, and behind them that of their supervisor.
inline std::vector<pid_t> processes_of(Worker& worker, CallableHandle who) {
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

inline bool is_gone(pid_t process) { return ::kill(process, 0) != 0 && errno == ESRCH; }

}  // namespace peal
