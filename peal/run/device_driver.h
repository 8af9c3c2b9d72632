// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "peal/base/api.h"
#include "peal/base/units.h"
#include "peal/run/event.h"
#include "peal/run/platform.h"
#include "peal/run/run.h"
#include "peal/run/task.h"

namespace PEAL_API peal {

// Memory at the same offset on several devices, which this process can address, too.
struct DeviceMemory {
  std::uint64_t id = 0;
  std::byte* first = nullptr;  // its address on device 0, even if device 0 has none
  std::ptrdiff_t stride = 0;   // from one device to the next

  [[nodiscard]] std::byte* on(int device) const { return first + device * stride; }
};

// A request for zeroed, 64-byte aligned memory on each of `devices`.
struct DeviceMemoryRequest {
  std::string name;
  std::vector<int> devices;
  std::size_t size_bytes = 0;
  RegionKind kind = RegionKind::window;
};

// A domain: a group of devices. Rank i of the domain is devices[i].
struct DriverDomain {
  std::string name;
  std::vector<int> devices;
  std::optional<DeviceMemory> window = {};
  std::size_t window_bytes = 0;
};

// One device's part in a task. `rank` is its rank in the domain.
struct TaskMember {
  int device = 0;
  std::optional<std::size_t> domain = {};  // index into RunSettings::domains
  int rank = 0;
  std::vector<TaskArgument> arguments = {};
};

// A task, which a driver starts on all its devices at once.
struct DriverTask {
  std::uint32_t id = 0;
  std::string name = {};  // for reports
  const TaskProgram* program = nullptr;
  std::vector<TaskMember> members = {};
  // For readers of events: the ids of the tasks that happen before it.
  std::vector<std::uint32_t> after = {};
};

struct TaskEnd {
  std::uint32_t task = 0;
  std::exception_ptr failure = nullptr;
  // True if the task failed because its devices wait for each other, or for what nobody will do.
  bool is_deadlock = false;
};

// Drives the devices 0..devices-1 of a host, each of which executes one task at a time. All
// functions are called from one thread.
class DeviceDriver {
 public:
  virtual ~DeviceDriver() = default;

  [[nodiscard]] virtual const Platform& platform() const = 0;
  // True if times are simulated for the platform; otherwise they are measured here, and vary.
  [[nodiscard]] virtual bool is_simulated() const { return true; }

  // Registers a program, which has to outlive the driver. Throws Error if the driver cannot run it.
  virtual void add_program(const std::string& name, const TaskProgram& program) = 0;
  // Opens the devices; to be called once, before the functions below.
  virtual void open() {}

  // Throws Error if memory does not suffice.
  [[nodiscard]] virtual DeviceMemory allocate(const DeviceMemoryRequest& request) = 0;
  virtual void free(const DeviceMemory& memory) = 0;

  // A program that tasks will run on `device`, in a domain of `ranks` devices.
  struct Use {
    const TaskProgram* program = nullptr;
    int device = 0;
    int ranks = 1;
    auto operator<=>(const Use&) const = default;
  };
  struct RunSettings {
    std::vector<DriverDomain> domains = {};
    RunOptions options = {};
    // Every use in the run, since readers of events have to know all cores before the first event.
    std::vector<Use> uses = {};
  };
  // An object that the caller keeps alive while tasks are started and waited for.
  [[nodiscard]] virtual std::shared_ptr<void> guard() { return nullptr; }
  // Begins a run at time 0, with no task.
  virtual void begin_run(RunSettings settings) = 0;
  // Starts a task at once. Precondition: its program is registered, and its devices are idle.
  virtual void start(const DriverTask& task) = 0;
  // Runs until a task ends or fails, and returns that; std::nullopt if the deadline passes first.
  // Precondition: a task was started. When a task's failure is returned, none of its members still
  // runs. Throws RunError if the devices cannot go on with any task of the run.
  virtual std::optional<TaskEnd> wait_for_end(std::chrono::steady_clock::time_point deadline) = 0;
  [[nodiscard]] virtual Picoseconds now() const = 0;
  // Ends the run and all of its tasks that have not ended.
  virtual void end_run() = 0;
};

}  // namespace peal
