// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "peal/runtime/buffer.h"
#include "peal/runtime/graph_report.h"
#include "peal/runtime/orchestrator.h"

namespace peal {

// A run that has been submitted. A handle: copies are of the same run.
class RunHandle {
 public:
  RunHandle(std::shared_ptr<WorkerState> worker, std::shared_ptr<SubmittedRun> run)
      : worker_(std::move(worker)), run_(std::move(run)) {}

  // Returns when the run has ended, well or not. Throws RunError, which says how far it is, when
  // that takes longer (by default, than the worker's limit); it goes on at the next wait.
  void wait(std::optional<std::chrono::duration<double>> timeout = std::nullopt) const;
  // Waits, and returns what the run reports; throws RunFailure when tasks have failed.
  const GraphReport& result(
      std::optional<std::chrono::duration<double>> timeout = std::nullopt) const;
  // Does not wait, and does nothing for it: somebody has to wait for a run to go on.
  [[nodiscard]] bool has_ended() const { return run_->has_ended(); }
  // The tasks and what they wait for, as text for Graphviz.
  [[nodiscard]] std::string dot() const;

 private:
  std::shared_ptr<WorkerState> worker_;
  std::shared_ptr<SubmittedRun> run_;
};

// Memory that Worker::allocate makes.
struct BufferRequest {
  std::string name = "buffer";
  int device = 0;
  DType dtype = DType::f32;
  std::size_t count = 0;
};

// Drives the devices of a host from one thread: holds their memory, and carries out runs of tasks
// on them. It is new, then ready (or failed) after start(), and closed for good after close(),
// which the destructor calls.
class Worker {
 public:
  explicit Worker(WorkerSettings settings);
  ~Worker();
  Worker(Worker&& other) noexcept = default;
  Worker& operator=(Worker&& other) = delete;

  [[nodiscard]] WorkerPhase phase() const { return state_->phase; }
  [[nodiscard]] const std::vector<int>& devices() const { return state_->settings.devices; }

  // Makes a callable known, before or after start().
  CallableHandle add(const Callable& callable);
  CallableHandle add(const Kernel& described) { return add(kernel(described)); }
  // Opens the devices. Throws what they throw; the worker has failed then.
  void start();

  // Makes a run of what the function submits, and carries it out; throws RunFailure when tasks of
  // it fail, and whatever the function throws, in which case there is no run.
  GraphReport run(const std::function<void(Orchestrator&)>& orchestrate);
  // Makes it and returns at once. Runs take effect in the order of their submission. The function
  // has returned then; what its tasks refer to has to live until the run has ended.
  [[nodiscard]] RunHandle submit(const std::function<void(Orchestrator&)>& orchestrate);

  // Memory of a device, zero at first, for many runs; given back at free() or with its last handle.
  [[nodiscard]] Buffer allocate(const BufferRequest& request);
  // Throws Error while a run that uses it has not ended.
  void free(const Buffer& buffer);
  // Copy all elements, after the runs that have been submitted. Lengths and types must be equal.
  void copy_to(const Buffer& to, const Array& from);
  void copy_from(const Array& to, const Buffer& from);

  // Gives everything back. Runs that have not ended are dropped: close() does not wait.
  void close();

 private:
  void copy(const char* what, const Array& to, const Array& from);
  void check_memory(const char* what, const BufferMemory& memory) const;

  std::shared_ptr<WorkerState> state_;
};

}  // namespace peal
