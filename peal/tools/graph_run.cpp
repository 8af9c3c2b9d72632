// SPDX-License-Identifier: Apache-2.0
#include "peal/tools/graph_run.h"

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <utility>

#include "peal/base/error.h"
#include "peal/base/memory/machine_memory.h"
#include "peal/cases/case_call.h"
#include "peal/launch/launch.h"
#include "peal/launch/worker.h"

namespace peal {
namespace {

class GraphRun {
 public:
  GraphRun(const GraphFile& file, const GraphRunRequest& request)
      : file_(file),
        worker_(open_worker({.platform = platform_meant(
                                 request.platform.value_or(file.platform.value_or("a2a3sim"))),
                             .devices = file.devices,
                             .checks = request.checks || file.checks,
                             .schedule = request.schedule,
                             .time_limit_seconds = request.time_limit_seconds})) {
    for (const GraphFile::NamedCallable& named : file.callables) {
      callables_.push_back(worker_.add(named.callable));
    }
    worker_.start();
  }

  GraphRunResult run() {
    for (std::size_t i = 0; i < file_.buffers.size(); ++i) make_buffer(i);
    const RunHandle handle = worker_.submit([this](Orchestrator& orch) { submit(orch); });
    GraphRunResult result;
    try {
      result.report = handle.result();
    } catch (const RunFailure& failure) {
      result.report = failure.report();
      result.failure = failure.what();
    }
    result.dot = handle.dot();
    if (!result.failure) compare(result);
    return result;
  }

 private:
  // The number of devices, and the index among them.
  struct Point {
    int ranks = 1, rank = 0;
    auto operator<=>(const Point&) const = default;
  };
  struct Instance {
    std::optional<Buffer> buffer;
    std::vector<std::uint64_t> memory;  // of an instance on the host
    View view;                          // of `memory`
    Point point;
  };

  const CaseCall& call(Point point) {
    const auto known = calls_.find(point);
    if (known != calls_.end()) return known->second;
    return calls_
        .emplace(std::piecewise_construct, std::forward_as_tuple(point),
                 std::forward_as_tuple(file_.numbers,
                                       CasePoint{.ranks = point.ranks, .rank = point.rank}))
        .first->second;
  }

  std::int64_t number(std::size_t index, Point point) {
    return static_cast<std::int64_t>(call(point).scalar(index));
  }

  [[noreturn]] void refuse(std::size_t index, const std::string& what) const {
    refuse_case(file_.numbers.subject, file_.numbers.arguments[index].label, what);
  }

  std::size_t length(std::size_t index, Point point) {
    const std::int64_t value = number(index, point);
    if (value < 0) refuse(index, fmt::format("is {}; it must not be negative", value));
    return static_cast<std::size_t>(value);
  }

  void make_buffer(std::size_t index) {
    const GraphFile::Buffer& described = file_.buffers[index];
    const DType dtype = file_.numbers.arguments[described.array].dtype;
    const std::vector<int> devices =
        described.devices.empty() ? std::vector<int>{-1} : described.devices;
    for (std::size_t rank = 0; rank < devices.size(); ++rank) {
      Instance& made = instances_[{index, devices[rank]}];
      made.point = {static_cast<int>(devices.size()), static_cast<int>(rank)};
      const std::size_t count = call(made.point).count(described.array);
      bytes_ += count * size_bytes(dtype);
      if (bytes_ > machine_memory_bytes()) {
        refuse(described.array,
               fmt::format("has {} elements, with which all buffers take more than the {} bytes of "
                           "memory of this machine; use smaller counts, or fewer devices",
                           count, machine_memory_bytes()));
      }
      made.memory.resize((count * size_bytes(dtype) + 7) / 8);
      made.view = {reinterpret_cast<std::byte*>(made.memory.data()), count, dtype};
      if (file_.numbers.arguments[described.array].fill) {
        call(made.point).fill(described.array, made.view);
      }
      if (described.on_host) continue;
      made.buffer = worker_.allocate(
          {.name = described.name, .device = devices[rank], .dtype = dtype, .count = count});
      worker_.copy_to(*made.buffer, made.view);
      made.memory = {};
    }
  }

  void submit(Orchestrator& orch) {
    for (const GraphFile::Domain& described : file_.domains) {
      const Point point{static_cast<int>(described.devices.size()), 0};
      DomainRequest request{.name = described.name,
                            .devices = described.devices,
                            .window_bytes = length(described.window_bytes, point)};
      for (const GraphFile::Domain::Buffer& buffer : described.buffers) {
        request.buffers.push_back(
            {.name = buffer.name, .dtype = buffer.dtype, .count = length(buffer.count, point)});
      }
      domains_.push_back(orch.allocate_domain(request));
    }
    for (const GraphFile::Task& task : file_.tasks) tasks_.push_back(submit(orch, task));
    domains_.clear();
  }

  Task submit(Orchestrator& orch, const GraphFile::Task& task) {
    if (!task.callable) {
      Args after;
      for (std::size_t earlier : task.after) after.after(tasks_[earlier]);
      return orch.copy(array(task.arguments[0].place, task, -1, {}),
                       array(task.arguments[1].place, task, -1, {}), after.named(task.name));
    }
    return orch.submit_group(callables_[*task.callable], task.devices, [&](int member) {
      return args(task, task.devices[static_cast<std::size_t>(member)], member);
    });
  }

  // Evaluates with P and rank of the task's domain, or of its group if it has no domain.
  Args args(const GraphFile::Task& task, int device, int member) {
    Point point{static_cast<int>(task.devices.size()), member};
    for (const GraphFile::Argument& argument : task.arguments) {
      if (argument.kind != TaskArgument::Kind::context) continue;
      const Domain& domain = domains_[argument.domain];
      point = {domain.size(), domain.on_device(device).rank()};
    }
    Args result;
    for (const GraphFile::Argument& argument : task.arguments) {
      switch (argument.kind) {
        case TaskArgument::Kind::array:
          result.add(array(argument.place, task, device, point), argument.direction);
          break;
        case TaskArgument::Kind::scalar:
          result.scalar(number(argument.number, point));
          break;
        case TaskArgument::Kind::context:
          result.context(domains_[argument.domain].on_device(device));
          break;
      }
    }
    if (member == 0) {
      for (std::size_t earlier : task.after) result.after(tasks_[earlier]);
    }
    return result.named(task.name);
  }

  // The instance on the named device; if none is named, on the task's device; else the only one.
  Array array(const GraphFile::Instance& place, const GraphFile::Task& task, int device,
              Point point) {
    const int where = place.device.value_or(device);
    if (place.domain) {
      const GraphFile::Domain& domain = file_.domains[*place.domain];
      const Buffer whole =
          domains_[*place.domain].on_device(where).buffer(domain.buffers[place.buffer].name);
      return part(whole, place, point);
    }
    const GraphFile::Buffer& described = file_.buffers[place.buffer];
    auto found = instances_.find({place.buffer, where});
    if (found == instances_.end()) found = instances_.find({place.buffer, -1});
    if (found == instances_.end()) {
      throw UsageError(
          fmt::format("{}: task `{}` uses buffer `{}`{}, which has no instance there; add "
                      "the device to its `devices`, or name another as `{}@{}`",
                      file_.numbers.subject, task.name, described.name,
                      where < 0 ? " without a device" : fmt::format(" on device {}", where),
                      described.name, described.devices.front()));
    }
    const Instance& instance = found->second;
    if (instance.buffer) return part(*instance.buffer, place, point);
    const auto [first, count] = bounds(place, instance.view.count, described.name, point);
    return instance.view.part(first, count);
  }

  Array part(const Buffer& whole, const GraphFile::Instance& place, Point point) {
    const auto [first, count] = bounds(place, whole.count(), whole.name(), point);
    return whole.part(first, count);
  }

  std::pair<std::size_t, std::size_t> bounds(const GraphFile::Instance& place, std::size_t whole,
                                             const std::string& name, Point point) {
    const std::size_t first = place.first ? length(*place.first, point) : 0;
    if (first > whole) {
      refuse(*place.first, fmt::format("is {}, beyond the {} elements of `{}`; give a smaller one",
                                       first, whole, name));
    }
    const std::size_t count = place.count ? length(*place.count, point) : whole - first;
    if (count > whole - first) {
      refuse(*place.count,
             fmt::format("is {}, and `{}` has {} from element {} on; give as many or fewer", count,
                         name, whole - first, first));
    }
    return {first, count};
  }

  void compare(GraphRunResult& result) {
    for (auto& [key, instance] : instances_) {
      const GraphFile::Buffer& described = file_.buffers[key.first];
      if (!described.expected) continue;
      if (instance.buffer) {
        instance.memory.resize((instance.view.size_bytes() + 7) / 8);
        instance.view.data = reinterpret_cast<std::byte*>(instance.memory.data());
        worker_.copy_from(instance.view, *instance.buffer);
      }
      const CaseDifference difference =
          call(instance.point)
              .compare(file_.numbers.expected_outputs[*described.expected], instance.view);
      const std::string label = key.second < 0
                                    ? fmt::format("`{}`", described.name)
                                    : fmt::format("`{}` of device {}", described.name, key.second);
      result.differences.push_back({label, difference.max});
      if (difference.mismatch && !result.mismatch) {
        result.mismatch =
            fmt::format("{} element {} is {}, expected {}", label, difference.mismatch->element,
                        difference.mismatch->value, difference.mismatch->expected);
      }
    }
  }

  const GraphFile& file_;
  std::map<std::pair<std::size_t, int>, Instance> instances_;  // by buffer and device; -1: only one
  std::size_t bytes_ = 0;                                      // size of all instances together
  std::map<Point, CaseCall> calls_;
  Worker worker_;
  std::vector<CallableHandle> callables_;
  std::vector<Domain> domains_;
  std::vector<Task> tasks_;
};

}  // namespace

GraphRunResult run_graph(const GraphFile& file, const GraphRunRequest& request) {
  return GraphRun(file, request).run();
}

}  // namespace peal
