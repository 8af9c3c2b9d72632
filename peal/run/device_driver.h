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

#include "peal/base/units.h"
#include "peal/run/event.h"
#include "peal/run/platform.h"
#include "peal/run/run.h"
#include "peal/run/task.h"

namespace peal {

// Memory at the same place of several devices, which this process can address, too.
struct DeviceMemory {
  std::uint64_t id = 0;
  std::byte* first = nullptr;  // where it would be on device 0
  std::ptrdiff_t stride = 0;   // from one device to the next

  [[nodiscard]] std::byte* on(int device) const { return first + device * stride; }
};

// What a driver allocates: zeroed, 64-byte aligned.
struct DeviceMemoryRequest {
  std::string name;
  std::vector<int> devices;
  std::size_t size_bytes = 0;
  RegionKind kind = RegionKind::window;
};

// The devices of a domain, whose ranks are in their order.
struct DriverDomain {
  std::string name;
  std::vector<int> devices;
  std::optional<DeviceMemory> window = {};
  std::size_t window_bytes = 0;
};

// One device's part in a task.
struct TaskMember {
  int device = 0;
  std::optional<std::size_t> domain = {};  // index of begin_run's
  int rank = 0;                            // in that domain
  std::vector<TaskArgument> arguments = {};
};

// A task that a driver starts on all its devices at once.
struct DriverTask {
  std::uint32_t id = 0;
  std::string name = {};  // for reports
  const TaskProgram* program = nullptr;
  std::vector<TaskMember> members = {};
  // For readers of events: the tasks that it goes on after.
  std::vector<std::uint32_t> after = {};
};

struct TaskEnd {
  std::uint32_t task = 0;
  std::exception_ptr failure = nullptr;
  // The devices of a deadlock wait for each other or for what nobody does; else empty.
  bool is_deadlock = false;
};

// Drives the devices 0..devices-1 of a host: each takes one task at a time. Everything is called
// from one thread.
class DeviceDriver {
 public:
  virtual ~DeviceDriver() = default;

  [[nodiscard]] virtual const Platform& platform() const = 0;
  // Whether time is that of the platform; otherwise it is this host's, and varies.
  [[nodiscard]] virtual bool is_simulated() const { return true; }

  // Makes a program known, which has to live as long as the driver. Throws Error where this driver
  // cannot run it, with what can.
  virtual void add_program(const std::string& name, const TaskProgram& program) = 0;
  // Opens the devices, once, before anything that follows.
  virtual void open() {}

  // Throws Error when the memory does not suffice.
  [[nodiscard]] virtual DeviceMemory allocate(const DeviceMemoryRequest& request) = 0;
  virtual void free(const DeviceMemory& memory) = 0;

  // A program that tasks run on a device, in a domain of so many.
  struct Use {
    const TaskProgram* program = nullptr;
    int device = 0;
    int ranks = 1;
    auto operator<=>(const Use&) const = default;
  };
  struct RunSettings {
    std::vector<DriverDomain> domains = {};
    RunOptions options = {};
    // For readers of events, who have to know everything that takes part before it does: all of
    // them.
    std::vector<Use> uses = {};
  };
  // What has to live while tasks are started and waited for.
  [[nodiscard]] virtual std::shared_ptr<void> guard() { return nullptr; }
  // Begins a run, at time 0 and with nothing under way.
  virtual void begin_run(RunSettings settings) = 0;
  // Starts a task at once, of a program that is known; its devices have none.
  virtual void start(const DriverTask& task) = 0;
  // Goes on until a task ends or has failed; nothing when the deadline passes before. Some task
  // must have been started. Of a task that fails no member runs on. Throws RunError when the
  // devices cannot go on with any task of the run.
  virtual std::optional<TaskEnd> wait_for_end(std::chrono::steady_clock::time_point deadline) = 0;
  [[nodiscard]] virtual Picoseconds now() const = 0;
  // Ends the run, and whatever is still under way in it.
  virtual void end_run() = 0;
};

}  // namespace peal
