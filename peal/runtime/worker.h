// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "peal/base/api.h"
#include "peal/runtime/buffer.h"
#include "peal/runtime/graph/graph_report.h"
#include "peal/runtime/orchestrator.h"
#include "peal/runtime/run_execution.h"

namespace PEAL_API peal {

// This folder runs graphs of tasks on the devices of a host. A Worker owns the devices. A function
// of the user submits tasks to an Orchestrator, whose RunBuilder makes a BuiltRun of them; then a
// RunExecution carries it out. graph/ infers from the bytes that tasks touch which task waits
// for which, and decides which ready task starts. Read next: orchestrator.h and args.h (what a user
// writes), run_builder.h, built_run.h, run_execution.h, graph/task_graph.h.

// A handle of a submitted run; copies refer to the same run.
class RunHandle {
 public:
  RunHandle(std::shared_ptr<WorkerState> worker, std::shared_ptr<RunExecution> run)
      : worker_(std::move(worker)), run_(std::move(run)) {}

  // Carries out the run, and those submitted before it, until it has ended, with or without
  // failures. Throws RunError, with the progress, after `timeout` (by default the worker's); the
  // run is not aborted then, and the next wait() resumes it.
  void wait(std::optional<std::chrono::duration<double>> timeout = std::nullopt) const;
  // Waits, and returns the run's report. Throws RunFailure if tasks have failed, and RunError if
  // the run was dropped or its devices could not go on.
  const GraphReport& result(
      std::optional<std::chrono::duration<double>> timeout = std::nullopt) const;
  // Returns at once. It does not advance the run: runs advance only while somebody waits, in wait()
  // or result(), or in the worker's run(), copy_to() or copy_from().
  [[nodiscard]] bool has_ended() const { return run_->has_ended(); }
  // The graph of tasks and their dependencies, in Graphviz's language.
  [[nodiscard]] std::string dot() const;

 private:
  std::shared_ptr<WorkerState> worker_;
  std::shared_ptr<RunExecution> run_;
};

// A request for a buffer of `count` elements on one device.
struct BufferRequest {
  std::string name = "buffer";
  int device = 0;
  DType dtype = DType::f32;
  std::size_t count = 0;
};

// Drives the devices of a host from one thread: holds their memory and carries out runs of tasks on
// them. A worker is new until start(), which makes it ready or failed, and closed for good after
// close(), which the destructor calls. Functions throw Error in a phase that does not allow them.
class Worker {
 public:
  explicit Worker(WorkerSettings settings);
  ~Worker();
  Worker(Worker&& other) noexcept = default;
  Worker& operator=(Worker&& other) = delete;

  [[nodiscard]] WorkerPhase phase() const { return state_->phase; }
  [[nodiscard]] const std::vector<int>& devices() const { return state_->settings.devices; }

  // Registers a callable, before or after start(). Throws Error if the devices cannot run it.
  CallableHandle add(const Callable& callable);
  CallableHandle add(const Kernel& described) { return add(kernel(described)); }
  // Opens the devices. If that throws, the worker has failed.
  void start();

  // Submits a run and carries it out: submit(orchestrate).result().
  GraphReport run(const std::function<void(Orchestrator&)>& orchestrate);
  // Calls the function, makes a run of the tasks that it submits, and returns before any of them
  // starts. Runs take effect in the order of submission. What the tasks refer to must live until
  // the run has ended. If the function throws, so does submit(), and there is no run.
  [[nodiscard]] RunHandle submit(const std::function<void(Orchestrator&)>& orchestrate);

  // Allocates zeroed memory on a device, which outlives runs; freed by free() or with its last
  // handle. Throws Error if the device has not enough.
  [[nodiscard]] Buffer allocate(const BufferRequest& request);
  // Throws Error while a run that uses the buffer has not ended.
  void free(const Buffer& buffer);
  // Copy all elements, after all submitted runs have ended. Throw Error unless lengths and types
  // are equal, and RunError if the runs take longer than the worker's timeout.
  void copy_to(const Buffer& to, const Array& from);
  void copy_from(const Array& to, const Buffer& from);

  // Frees everything. Does not wait: drops runs that have not ended.
  void close();

 private:
  void copy(const char* what, const Array& to, const Array& from);
  void check_memory(const char* what, const BufferMemory& memory) const;

  std::shared_ptr<WorkerState> state_;
};

}  // namespace peal
