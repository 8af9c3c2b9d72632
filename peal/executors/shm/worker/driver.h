// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "peal/executors/shm/memory/device_memory.h"
#include "peal/executors/shm/worker/device_processes.h"
#include "peal/executors/shm/worker/device_supervisor.h"
#include "peal/run/device_driver.h"

namespace peal {

// Folder worker/: the devices of a worker as processes over shared memory. Three kinds of process:
// the driver (this class) gives out tasks, the supervisor forks and watches, the devices run tasks.
// Read next: task_mailbox.h (their messages), device_supervisor.h, device_process.h.

// Drives devices that are processes of this host, each with one task at a time. Times are real: the
// steady clock since begin_run(). If a device process dies, the run fails; device memory survives,
// and the next run starts new processes.
class ShmDriver final : public DeviceDriver {
 public:
  // `others` names the platforms that can run what this one refuses, for error messages.
  ShmDriver(std::shared_ptr<DeviceProcesses> processes, std::string others);
  ~ShmDriver() override;

  [[nodiscard]] const Platform& platform() const override { return processes_->platform(); }
  [[nodiscard]] bool is_simulated() const override { return false; }
  void add_program(const std::string& name, const TaskProgram& program) override;
  void open() override;
  [[nodiscard]] DeviceMemory allocate(const DeviceMemoryRequest& request) override {
    return memory_.allocate(request);
  }
  void free(const DeviceMemory& memory) override { memory_.free(memory); }
  void begin_run(RunSettings settings) override;
  void start(const DriverTask& task) override;
  std::optional<TaskEnd> wait_for_end(std::chrono::steady_clock::time_point deadline) override;
  [[nodiscard]] Picoseconds now() const override;
  void end_run() override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Running {
    std::vector<int> devices;  // the devices that have not ended it
    std::exception_ptr failure = nullptr;
    bool is_deadlock = false;
    std::optional<Clock::time_point> cancelled = {};  // when it was first cancelled
  };
  struct Device {
    std::optional<std::uint32_t> task;  // the task that it has, by the driver's id
    std::uint32_t number = 0;           // the mailbox's number of that task, or of the last one
    std::optional<DeviceMemory> arguments;
    std::size_t arguments_capacity = 0;
  };

  [[nodiscard]] TaskMailbox& mailbox(int device) const {
    return processes_->control().mailbox(device);
  }
  [[nodiscard]] DomainControl& domain_control(std::size_t index);
  [[nodiscard]] TaskArgument* argument_memory(Device& device, int index, std::size_t count);
  void post(const DriverTask& task, const TaskMember& member);
  [[nodiscard]] std::optional<TaskEnd> collect();
  [[nodiscard]] std::optional<TaskEnd> leave(int device);
  void cancel(Running& task);
  void look_after_cancelled();
  void look_for_deadlock();
  [[nodiscard]] std::string unlike_calls(int index) const;
  [[noreturn]] void report_end(const std::string& what) const;

  std::shared_ptr<DeviceProcesses> processes_;
  std::string others_;
  ShmDeviceMemory memory_;
  WaitPolicy policy_;
  std::vector<NamedDescriptor> descriptors_;
  std::unordered_map<const TaskProgram*, std::size_t> programs_;  // indexes in descriptors_
  bool is_open_ = false;
  std::vector<Device> devices_;

  RunSettings settings_;  // of the current run
  std::uint64_t run_ = 0;
  Clock::time_point begin_;
  std::vector<DomainControl*> domains_;  // by index of the run's domain; null before its first task
  std::map<std::uint32_t, Running> running_;
};

}  // namespace peal
