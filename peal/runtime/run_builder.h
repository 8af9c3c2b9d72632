// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "peal/base/api.h"
#include "peal/runtime/args.h"
#include "peal/runtime/built_run.h"
#include "peal/runtime/worker_state.h"

namespace PEAL_API peal {

// Builds a run, one submission after the other: checks its arguments, gives arrays in host memory
// their place on the devices, and infers what the task waits for. A submission that is refused adds
// no task. A run that nobody takes is released with the builder.
class RunBuilder {
 public:
  explicit RunBuilder(WorkerState& worker);

  // As the functions of Orchestrator with these names.
  [[nodiscard]] std::shared_ptr<DomainState> allocate_domain(const DomainRequest& request);
  Task submit(const Callable& callable, const std::vector<int>& devices,
              const std::vector<Args>& args);
  Task submit_host(HostFunction function, const Args& args, const std::string& name);

  // Takes the run, after the last submission.
  [[nodiscard]] std::unique_ptr<BuiltRun> take() { return std::move(run_); }

 private:
  // Where collect() puts what it finds out about the arguments of one device.
  struct Collected {
    BuiltTask& task;
    std::vector<Touch>& touches;
    std::vector<std::size_t>& after;
    std::string subject;
  };
  void collect(const Args& args, std::optional<int> device, Collected& to);
  [[nodiscard]] TaskArgument resolve(const Args::Entry& given, std::size_t index,
                                     std::optional<int> device, Collected& to);
  void use(const std::shared_ptr<BufferMemory>& memory, const std::string& subject);
  [[nodiscard]] std::byte* stage(const View& view, int device);
  [[nodiscard]] std::int64_t& calls_of(const Callable& callable, const TaskMember& member);
  void check_call(const Callable& callable, const BuiltTask& task, const std::string& subject);
  Task add(BuiltTask task, std::span<const Touch> touches, std::span<const std::size_t> after);

  WorkerState& worker_;
  std::unique_ptr<BuiltRun> run_;
  // The number of calls so far, by program, domain (SIZE_MAX without one) and device.
  std::map<std::tuple<const TaskProgram*, std::size_t, int>, std::int64_t> calls_;
};

}  // namespace peal
