// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "peal/executors/sim/fiber.h"
#include "peal/executors/sim/worker/device_heap.h"
#include "peal/run/device_driver.h"

namespace peal {

class TaskRun;

// This folder runs a graph of tasks on simulated devices. Read run/device_driver.h first (the
// contract), then task_run.h (one run: cores, fibers, failures) and device_heap.h (memory).
//
// All devices live in one process and one thread. Tasks run concurrently in virtual time, each on
// the cores of its devices.
class SimDriver final : public DeviceDriver {
 public:
  // Makes an object that lives while tasks are carried out, such as a handler of their faults.
  using Guard = std::function<std::shared_ptr<void>()>;

  SimDriver(Platform platform, int devices, Guard guard);
  ~SimDriver() override;

  [[nodiscard]] const Platform& platform() const override { return platform_; }
  void add_program(const std::string& name, const TaskProgram& program) override;
  [[nodiscard]] DeviceMemory allocate(const DeviceMemoryRequest& request) override;
  void free(const DeviceMemory& memory) override;
  [[nodiscard]] std::shared_ptr<void> guard() override { return guard_(); }
  void begin_run(RunSettings settings) override;
  void start(const DriverTask& task) override;
  std::optional<TaskEnd> wait_for_end(std::chrono::steady_clock::time_point deadline) override;
  [[nodiscard]] Picoseconds now() const override;
  void end_run() override;

 private:
  Platform platform_;
  Guard guard_;
  StackPool stacks_;
  DeviceHeap heap_;
  std::vector<ZeroPages> on_chip_;               // by core
  std::map<std::string, Picoseconds> foreseen_;  // results of Device::foresee, by name
  std::unique_ptr<TaskRun> run_;
};

}  // namespace peal
