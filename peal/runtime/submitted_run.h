// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "peal/base/api.h"
#include "peal/runtime/args.h"
#include "peal/runtime/dispatcher.h"
#include "peal/runtime/graph_report.h"
#include "peal/runtime/task_graph.h"
#include "peal/runtime/worker_state.h"

namespace PEAL_API peal {

// A host function as a task. Its array arguments are not copied: it accesses them in place, also
// those in device memory.
using HostFunction = std::function<void(const TaskArguments& arguments)>;

// A run: a graph of tasks, from its construction (submit, in submitted_run.cpp) to its execution
// (advance, in submitted_run_steps.cpp). It passes through the phases made, running and ended.
//
// How a run goes on after a deadline. advance() is a loop that starts ready tasks and waits for the
// end of running ones; it returns false at the deadline. All state that the loop needs is in
// members, none on its stack: which tasks wait (graph_), are ready (dispatcher_ and functions_),
// run (in the driver, and as busy devices in dispatcher_), and how many are left (left_). So the
// next advance() resumes the loop where it stopped: begin() ran in the first call only (phase_), no
// task starts twice, and an end that the driver sees between two calls is returned by the next
// wait_for_end(). A deadline cannot fall between a task's end and the bookkeeping of finish().
class SubmittedRun {
 public:
  SubmittedRun(WorkerState& worker, std::uint64_t number);
  ~SubmittedRun();
  SubmittedRun(const SubmittedRun&) = delete;
  SubmittedRun& operator=(const SubmittedRun&) = delete;

  // As the functions of Orchestrator with these names.
  [[nodiscard]] std::shared_ptr<DomainState> allocate_domain(const DomainRequest& request);
  Task submit(const Callable& callable, const std::vector<int>& devices,
              const std::vector<Args>& args);
  Task submit_host(HostFunction function, const Args& args, const std::string& name);

  // Carries out the run. Returns true when it has ended, false if the deadline passes before; then
  // a later call resumes it. Exceptions of the driver end the run and are kept as its defect().
  bool advance(std::chrono::steady_clock::time_point deadline);
  // Ends the run at once, whatever is under way, with `why` as its defect().
  void drop(const std::string& why);

  [[nodiscard]] bool has_ended() const { return phase_ == Phase::ended; }
  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] const GraphReport& report() const { return report_; }
  // Why the run ended before its tasks did; empty if it did not.
  [[nodiscard]] const std::string& defect() const { return defect_; }
  // The progress as text: how many tasks have ended, and which ones are running.
  [[nodiscard]] std::string progress() const;
  [[nodiscard]] const TaskGraph& graph() const { return graph_; }

 private:
  enum class Phase : std::uint8_t { made, running, ended };
  // An array argument in host memory, and its copy on the device. The copy is made before the task
  // starts and written back after it has ended. A no_dep array may be written by others at the same
  // time (only_changes): then only the bytes that the task has changed, compared with `before`, are
  // written back.
  struct Staged {
    std::byte* host = nullptr;
    std::byte* device = nullptr;
    std::size_t size_bytes = 0;
    bool writes = false;
    bool only_changes = false;
    std::vector<std::byte> before = {};
  };
  // A task: a callable on devices, or a function of the host, which has no devices.
  struct Entry {
    const Callable* callable = nullptr;
    HostFunction function;
    std::vector<int> devices;  // indexes among the worker's
    std::vector<TaskMember> members;
    std::vector<std::shared_ptr<DomainState>> domains;
    std::vector<Staged> staged;
    std::vector<std::uint32_t> after = {};  // predecessors, for readers of events
  };

  // Where collect() puts what it finds out about the arguments of one device.
  struct Collected {
    Entry& entry;
    std::vector<Touch>& touches;
    std::vector<std::size_t>& after;
    std::string subject;
  };
  void collect(const Args& args, std::optional<int> device, Collected& to);
  [[nodiscard]] TaskArgument resolve(const Args::Entry& given, std::size_t index,
                                     std::optional<int> device, Collected& to);
  void use(const std::shared_ptr<BufferMemory>& memory, const std::string& subject);
  [[nodiscard]] std::byte* stage(const View& view, int device);
  void check_apart(const Entry& entry, const std::string& subject) const;
  [[nodiscard]] std::int64_t& calls_of(const Callable& callable, const TaskMember& member);
  void check_call(const Callable& callable, const Entry& entry, const std::string& subject);
  Task add(Entry entry, std::span<const Touch> touches, std::span<const std::size_t> after,
           std::string name);

  void begin();
  [[nodiscard]] std::vector<DeviceDriver::Use> uses() const;
  void find_predecessors();
  void start(std::size_t task);
  void run_function(std::size_t task);
  void finish(std::size_t task, const std::string& failure);
  void add_ready(const std::vector<std::size_t>& tasks);
  [[nodiscard]] std::string failure_of(const TaskEnd& end) const;
  void close();

  WorkerState& worker_;
  std::uint64_t id_;
  Phase phase_ = Phase::made;
  TaskGraph graph_;
  std::vector<Entry> entries_;
  std::vector<std::shared_ptr<DomainState>> domains_;
  std::unordered_map<BufferMemory*, std::shared_ptr<BufferMemory>> used_;
  // The device copies of host memory, by its address, size and device: tasks share a copy.
  std::map<std::tuple<std::byte*, std::size_t, int>, DeviceMemory> stages_;
  // The number of calls so far, by program, domain (SIZE_MAX without one) and device.
  std::map<std::tuple<const TaskProgram*, std::size_t, int>, std::int64_t> calls_;
  Dispatcher dispatcher_;
  // Host functions that are ready, the first submitted on top.
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> functions_;
  std::size_t left_ = 0;  // number of tasks that have not ended
  std::unique_ptr<RunChecks> checks_;
  GraphReport report_;
  std::string defect_;
};

}  // namespace peal
