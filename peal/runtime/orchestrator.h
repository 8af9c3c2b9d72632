// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "peal/runtime/args.h"
#include "peal/runtime/domain.h"
#include "peal/runtime/submitted_run.h"

namespace peal {

// A callable that a worker knows.
class CallableHandle {
 public:
  CallableHandle() = default;
  CallableHandle(std::uint64_t worker, std::size_t index) : worker_(worker), index_(index) {}
  [[nodiscard]] std::uint64_t worker() const { return worker_; }  // identifies it
  [[nodiscard]] std::size_t index() const { return index_; }

 private:
  std::uint64_t worker_ = 0;
  std::size_t index_ = 0;
};

// What makes the graph of a run. Nothing of it runs before the function that is given it returns.
// Everything throws Error, with the values, for what cannot be.
class Orchestrator {
 public:
  Orchestrator(WorkerState& worker, SubmittedRun& run) : worker_(worker), run_(run) {}
  Orchestrator(const Orchestrator&) = delete;
  Orchestrator& operator=(const Orchestrator&) = delete;

  // A domain for this run: one window of `window_bytes` for each member, zero at first.
  [[nodiscard]] Domain allocate_domain(const DomainRequest& request) {
    return Domain(run_.allocate_domain(request));
  }

  // One task on one device.
  Task submit(CallableHandle callable, const Args& args, int device) {
    return run_.submit(find(callable), {device}, {args});
  }
  // One task on several devices, which all start it together or not at all; `args` are each
  // member's, in the order of the devices. Members that wait for each other have to be one group.
  Task submit_group(CallableHandle callable, const std::vector<int>& devices,
                    const std::vector<Args>& args) {
    return run_.submit(find(callable), devices, args);
  }
  // The same; `args` makes those of member 0, 1, ...
  template <std::invocable<int> Make>
  requires std::convertible_to<std::invoke_result_t<Make, int>, Args> Task
  submit_group(CallableHandle callable, const std::vector<int>& devices, Make&& args) {
    std::vector<Args> all;
    for (std::size_t member = 0; member < devices.size(); ++member) {
      all.push_back(args(static_cast<int>(member)));
    }
    return run_.submit(find(callable), devices, all);
  }

  // A function of the host as a task; it finds the arguments where they are, on devices too. It
  // takes no simulated time. What it throws fails the task.
  template <class Function>
  Task submit_sub(Function&& function, const Args& args = {}) {
    if constexpr (std::invocable<Function&, const TaskArguments&>) {
      return run_.submit_host(std::forward<Function>(function), args, "function");
    } else {
      std::function<void()> held = std::forward<Function>(function);
      HostFunction whole;
      if (held) whole = [held = std::move(held)](const TaskArguments&) { held(); };
      return run_.submit_host(std::move(whole), args, "function");
    }
  }

  // A task that copies between buffers and memory of the host, in either direction. Lengths and
  // types must be equal. `also` has no arrays, but what else there is to say.
  Task copy(const Array& to, const Array& from, const Args& also = {});

 private:
  [[nodiscard]] const Callable& find(CallableHandle callable) const;

  WorkerState& worker_;
  SubmittedRun& run_;
};

}  // namespace peal
