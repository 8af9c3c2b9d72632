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

#include "peal/runtime/args.h"
#include "peal/runtime/dispatcher.h"
#include "peal/runtime/graph_report.h"
#include "peal/runtime/task_graph.h"
#include "peal/runtime/worker_state.h"

namespace peal {

// A function of the host as a task. Its arguments are where they are, on devices too.
using HostFunction = std::function<void(const TaskArguments& arguments)>;

// A graph of tasks, while it is made and while it is carried out on the devices.
class SubmittedRun {
 public:
  SubmittedRun(WorkerState& worker, std::uint64_t number);
  ~SubmittedRun();
  SubmittedRun(const SubmittedRun&) = delete;
  SubmittedRun& operator=(const SubmittedRun&) = delete;

  // As Orchestrator's of these names.
  [[nodiscard]] std::shared_ptr<DomainState> allocate_domain(const DomainRequest& request);
  Task submit(const Callable& callable, const std::vector<int>& devices,
              const std::vector<Args>& args);
  Task submit_host(HostFunction function, const Args& args, const std::string& name);

  // Carries it out until it has ended; false when the deadline passes before.
  bool advance(std::chrono::steady_clock::time_point deadline);
  // Ends it where it is.
  void drop(const std::string& why);

  [[nodiscard]] bool has_ended() const { return phase_ == Phase::ended; }
  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] const GraphReport& report() const { return report_; }
  // What ended it before its tasks could; empty otherwise.
  [[nodiscard]] const std::string& defect() const { return defect_; }
  // How far it is: how many tasks have ended, and which ones run.
  [[nodiscard]] std::string progress() const;
  [[nodiscard]] const TaskGraph& graph() const { return graph_; }

 private:
  enum class Phase : std::uint8_t { made, running, ended };
  struct Staged {  // an argument in memory of the host, and its copy on the device
    std::byte* host = nullptr;
    std::byte* device = nullptr;
    std::size_t size_bytes = 0;
    bool writes = false;
    bool only_changes = false;  // others may write it at the same time
    std::vector<std::byte> before = {};
  };
  struct Entry {  // a task
    const Callable* callable = nullptr;
    HostFunction function;
    std::vector<int> devices;  // indexes
    std::vector<TaskMember> members;
    std::vector<std::shared_ptr<DomainState>> domains;
    std::vector<Staged> staged;
    std::vector<std::uint32_t> after = {};  // for readers of events
  };

  // How one device's arguments are collected.
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
  std::map<std::tuple<std::byte*, std::size_t, int>, DeviceMemory> stages_;  // by host memory
  // By program, domain and device.
  std::map<std::tuple<const TaskProgram*, std::size_t, int>, std::int64_t> calls_;
  Dispatcher dispatcher_;
  // Functions of the host that are ready.
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> functions_;
  std::size_t left_ = 0;  // tasks that have not ended
  std::unique_ptr<RunChecks> checks_;
  GraphReport report_;
  std::string defect_;
};

}  // namespace peal
