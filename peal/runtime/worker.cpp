// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/worker.h"

#include <fmt/format.h>

#include <utility>

#include "peal/base/error.h"
#include "peal/runtime/graph/graph_dot.h"

namespace peal {
namespace {

std::chrono::steady_clock::time_point after(std::chrono::duration<double> timeout) {
  // Bounded, so that the sum does not overflow: 1e8 s is forever. A NaN counts as 0.
  const double seconds = timeout.count() > 0 ? std::min(timeout.count(), 1e8) : 0;
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(
             std::chrono::duration<double>(seconds));
}

}  // namespace

void RunHandle::wait(std::optional<std::chrono::duration<double>> timeout) const {
  if (run_->has_ended()) return;
  worker_->check_ready("wait");
  const std::chrono::duration<double> limit = timeout.value_or(worker_->settings.timeout);
  if (worker_->advance(*run_, after(limit))) return;
  throw RunError(
      fmt::format("run {}: it has not ended after {} s: {}; wait longer, or look for what "
                  "does not end",
                  run_->report().run, limit.count(), run_->progress()));
}

const GraphReport& RunHandle::result(std::optional<std::chrono::duration<double>> timeout) const {
  wait(timeout);
  if (!run_->defect().empty()) {
    throw RunError(fmt::format("run {}: {}", run_->report().run, run_->defect()));
  }
  if (run_->report().failures() != 0) throw RunFailure(run_->report());
  return run_->report();
}

std::string RunHandle::dot() const { return graph_dot(run_->graph(), run_->report()); }

Worker::Worker(WorkerSettings settings)
    : state_(std::make_shared<WorkerState>(std::move(settings))) {}

Worker::~Worker() {
  if (state_ != nullptr && !state_->is_busy) close();
}

CallableHandle Worker::add(const Callable& callable) {
  if (state_->phase == WorkerPhase::failed || state_->phase == WorkerPhase::closed) {
    state_->check_ready("add");
  }
  if (callable.program == nullptr) {
    throw UsageError(
        fmt::format("callable `{}` has no program; make it with collective(), kernel(), "
                    "device_function() or pto_kernel()",
                    callable.name));
  }
  if (state_->driver != nullptr) state_->driver->add_program(callable.name, *callable.program);
  state_->callables.push_back(callable);
  return {state_->id, state_->callables.size() - 1};
}

void Worker::start() {
  if (state_->phase != WorkerPhase::fresh) {
    throw UsageError(fmt::format("start: the worker is {} and not new; start a worker once",
                                 name(state_->phase)));
  }
  state_->phase = WorkerPhase::starting;
  try {
    state_->driver = state_->settings.make_driver(static_cast<int>(devices().size()));
    for (const Callable& callable : state_->callables) {
      state_->driver->add_program(callable.name, *callable.program);
    }
    state_->driver->open();
  } catch (...) {
    state_->phase = WorkerPhase::failed;
    state_->driver = nullptr;
    state_->settings.make_driver = nullptr;
    throw;
  }
  state_->phase = WorkerPhase::ready;
}

RunHandle Worker::submit(const std::function<void(Orchestrator&)>& orchestrate) {
  state_->check_ready("submit");
  if (!orchestrate) throw UsageError("submit: the function is empty; give one");
  RunBuilder builder(*state_);
  {
    const WorkerState::Busy busy(*state_);
    Orchestrator orchestrator(*state_, builder);
    orchestrate(orchestrator);
  }
  auto run = std::make_shared<RunExecution>(*state_, state_->runs + 1, builder.take());
  ++state_->runs;
  state_->in_flight.push_back(run);
  return {state_, run};
}

GraphReport Worker::run(const std::function<void(Orchestrator&)>& orchestrate) {
  return submit(orchestrate).result();
}

Buffer Worker::allocate(const BufferRequest& request) {
  state_->check_ready("allocate");
  if (request.name.empty()) {
    throw UsageError("buffer: the name is empty; give one, which reports can use");
  }
  const std::string subject = fmt::format("buffer `{}`", request.name);
  auto memory = std::make_shared<BufferMemory>();
  memory->worker = state_->id;
  memory->name = request.name;
  memory->device = request.device;
  memory->device_index = state_->index_of(request.device, subject);
  if (request.count > SIZE_MAX / 16) {
    throw UsageError(fmt::format("{}: {} elements are more than any memory; give fewer", subject,
                                 request.count));
  }
  memory->size_bytes = request.count * size_bytes(request.dtype);
  const DeviceMemory allocated = state_->driver->allocate({.name = request.name,
                                                           .devices = {memory->device_index},
                                                           .size_bytes = memory->size_bytes,
                                                           .kind = RegionKind::inout});
  memory->data = allocated.on(memory->device_index);
  memory->release = [owner = std::weak_ptr(state_), allocated] {
    const std::shared_ptr<WorkerState> worker = owner.lock();
    if (worker != nullptr && worker->driver != nullptr) worker->driver->free(allocated);
  };
  return {std::move(memory), 0, request.count, request.dtype};
}

void Worker::check_memory(const char* what, const BufferMemory& memory) const {
  if (memory.worker != state_->id) {
    throw UsageError(
        fmt::format("{}: buffer `{}` is another worker's; use this one's", what, memory.name));
  }
  if (!memory.gone.empty()) {
    throw UsageError(
        fmt::format("{}: buffer `{}` {}; do it before", what, memory.name, memory.gone));
  }
}

void Worker::free(const Buffer& buffer) {
  state_->check_ready("free");
  check_memory("free", buffer.memory());
  BufferMemory& memory = buffer.memory();
  if (memory.in_window) {
    throw UsageError(
        fmt::format("free: buffer `{}` is a domain's window, which ends with its run; leave "
                    "it away",
                    memory.name));
  }
  if (memory.runs != 0) {
    throw UsageError(
        fmt::format("free: buffer `{}` on device {} is used by {} run{} that {} not ended; "
                    "wait for {} first",
                    memory.name, memory.device, memory.runs, memory.runs == 1 ? "" : "s",
                    memory.runs == 1 ? "has" : "have", memory.runs == 1 ? "it" : "them"));
  }
  memory.gone = "was freed";
  memory.data = nullptr;
  std::exchange(memory.release, nullptr)();
}

void Worker::copy_to(const Buffer& to, const Array& from) {
  state_->check_ready("copy_to");
  copy("copy_to", to, from);
}

void Worker::copy_from(const Array& to, const Buffer& from) {
  state_->check_ready("copy_from");
  copy("copy_from", to, from);
}

void Worker::copy(const char* what, const Array& to, const Array& from) {
  for (const Array* array : {&to, &from}) {
    if (array->memory() != nullptr) check_memory(what, *array->memory());
  }
  check_copy(what, to, from);
  if (to.is_const()) {
    throw UsageError(fmt::format("{}: what is copied to is const; give what can be written", what));
  }
  if (!state_->in_flight.empty()) RunHandle(state_, state_->in_flight.back()).wait();
  copy_elements(to.view(), from.view());
}

void Worker::close() {
  if (state_->phase == WorkerPhase::closed) return;
  if (state_->is_busy) {
    throw UsageError("close: a function that the worker runs cannot close it; do it after the run");
  }
  for (const std::shared_ptr<RunExecution>& run : state_->in_flight) {
    run->drop("it was dropped, because the worker was closed before it had ended");
  }
  state_->in_flight.clear();
  state_->driver = nullptr;
  state_->settings.make_driver = nullptr;  // its captures may own parts of the driver
  state_->phase = WorkerPhase::closed;
}

}  // namespace peal
