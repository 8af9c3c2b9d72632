// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <unordered_set>
#include <vector>

#include "peal/base/api.h"
#include "peal/run/device_driver.h"
#include "peal/runtime/buffer.h"
#include "peal/runtime/callable.h"
#include "peal/runtime/domain.h"
#include "peal/runtime/graph/task_graph.h"
#include "peal/runtime/staged_arrays.h"

namespace PEAL_API peal {

// A host function as a task. Its array arguments are not copied: it accesses them in place, also
// those in device memory.
using HostFunction = std::function<void(const TaskArguments& arguments)>;

// A task: a callable on devices, or a function of the host, which has no devices.
struct BuiltTask {
  std::string name = {};  // in reports
  const Callable* callable = nullptr;
  HostFunction function = {};
  std::vector<int> devices = {};  // indexes among the worker's
  std::vector<TaskMember> members = {};
  std::vector<std::shared_ptr<DomainState>> domains = {};
  std::vector<StagedArray> staged = {};
};

// A run between its construction and its end: what a RunBuilder makes of the submissions, and what
// a RunExecution carries out.
struct BuiltRun {
  BuiltRun(DeviceDriver& driver_of_run, std::uint64_t id_of_run)
      : driver(driver_of_run), id(id_of_run) {}
  ~BuiltRun() { release(); }
  BuiltRun(const BuiltRun&) = delete;
  BuiltRun& operator=(const BuiltRun&) = delete;

  // Frees the memory of the run on the devices, releases its domains and the buffers that it uses.
  void release();

  DeviceDriver& driver;
  std::uint64_t id;  // unique in this process
  TaskGraph graph;
  std::vector<BuiltTask> tasks;  // by their numbers in the graph
  std::vector<std::shared_ptr<DomainState>> domains;
  std::unordered_set<std::shared_ptr<BufferMemory>> buffers;  // kept alive for the run
  // The device copies of host memory, by its address, size and device: tasks share a copy.
  std::map<std::tuple<std::byte*, std::size_t, int>, DeviceMemory> copies;
};

// What each device will run; in the order of submission, each use once.
[[nodiscard]] std::vector<DeviceDriver::Use> uses_of(const BuiltRun& run);

// For each task, the numbers of the device tasks that it directly waits for: the happens-before
// edges for readers of events.
[[nodiscard]] std::vector<std::vector<std::uint32_t>> device_predecessors(const BuiltRun& run);

}  // namespace peal
