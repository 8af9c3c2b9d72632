// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "peal/base/api.h"
#include "peal/runtime/args.h"
#include "peal/runtime/domain.h"
#include "peal/runtime/run_builder.h"

namespace PEAL_API peal {

// A handle of a callable that is registered with a worker.
class CallableHandle {
 public:
  CallableHandle() = default;
  CallableHandle(std::uint64_t worker, std::size_t index) : worker_(worker), index_(index) {}
  [[nodiscard]] std::uint64_t worker() const { return worker_; }  // WorkerState::id
  [[nodiscard]] std::size_t index() const { return index_; }

 private:
  std::uint64_t worker_ = 0;
  std::size_t index_ = 0;
};

// Builds the graph of a run. Worker::submit passes it to a function of the user; no task starts
// before that function has returned. All functions throw Error, with the values, for a request that
// cannot be carried out.
class Orchestrator {
 public:
  Orchestrator(WorkerState& worker, RunBuilder& builder) : worker_(worker), builder_(builder) {}
  Orchestrator(const Orchestrator&) = delete;
  Orchestrator& operator=(const Orchestrator&) = delete;

  // Allocates a domain for this run: one zeroed window of `window_bytes` for each member.
  [[nodiscard]] Domain allocate_domain(const DomainRequest& request) {
    return Domain(builder_.allocate_domain(request));
  }

  // Submits a task on one device.
  Task submit(CallableHandle callable, const Args& args, int device) {
    return builder_.submit(find(callable), {device}, {args});
  }
  // Submits one task on several devices (a group), which starts on all of them at once; `args` has
  // one entry per device, in the order of `devices`. Tasks that wait for each other, such as the
  // ranks of a collective, must be one group; as separate tasks they may deadlock.
  Task submit_group(CallableHandle callable, const std::vector<int>& devices,
                    const std::vector<Args>& args) {
    return builder_.submit(find(callable), devices, args);
  }
  // As above; args(i) returns the arguments of member i.
  template <std::invocable<int> Make>
  requires std::convertible_to<std::invoke_result_t<Make, int>, Args> Task
  submit_group(CallableHandle callable, const std::vector<int>& devices, Make&& args) {
    std::vector<Args> all;
    for (std::size_t member = 0; member < devices.size(); ++member) {
      all.push_back(args(static_cast<int>(member)));
    }
    return builder_.submit(find(callable), devices, all);
  }

  // Submits a host function as a task. It accesses its arguments in place, also those in device
  // memory, and takes no simulated time. If it throws, the task fails.
  template <class Function>
  Task submit_sub(Function&& function, const Args& args = {}) {
    if constexpr (std::invocable<Function&, const TaskArguments&>) {
      return builder_.submit_host(std::forward<Function>(function), args, "function");
    } else {
      std::function<void()> held = std::forward<Function>(function);
      HostFunction whole;
      if (held) whole = [held = std::move(held)](const TaskArguments&) { held(); };
      return builder_.submit_host(std::move(whole), args, "function");
    }
  }

  // Submits a task that copies all elements between buffers and host memory, in any direction.
  // Lengths and types must be equal. `also` may name the task and what it waits for, but has no
  // arguments.
  Task copy(const Array& to, const Array& from, const Args& also = {});

 private:
  [[nodiscard]] const Callable& find(CallableHandle callable) const;

  WorkerState& worker_;
  RunBuilder& builder_;
};

}  // namespace peal
