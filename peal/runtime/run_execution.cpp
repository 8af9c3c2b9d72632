// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/run_execution.h"

#include <cxxabi.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include "peal/base/exception_type.h"
#include "peal/run/deadlock.h"
#include "peal/run/kernel_failure.h"

namespace peal {
namespace {

constexpr std::size_t max_cores = 32;  // named in the text of a failure

// The text of the exception that is being handled; never empty.
std::string text_of_exception() {
  try {
    throw;
  } catch (const std::exception& error) {
    const std::string text = error.what();
    return text.empty() ? "it throws an exception without a text" : text;
  } catch (...) {
    return "it throws what is no std::exception";
  }
}

// The exception of the driver that is being handled, as the run's defect: its text, or where it has
// none, its type. Never empty.
std::string defect_of_exception() {
  const std::string name = type_of_exception();
  const std::string type = name.empty() ? "unknown" : name;  // not thrown by C++
  try {
    throw;
  } catch (const std::exception& error) {
    const std::string text = error.what();
    if (!text.empty()) return text;
    return fmt::format("the driver throws an exception without a text, of type {}", type);
  } catch (...) {
    return fmt::format("the driver throws what is no std::exception, of type {}", type);
  }
}

}  // namespace

RunExecution::RunExecution(WorkerState& worker, std::uint64_t number, std::unique_ptr<BuiltRun> run)
    : worker_(worker),
      run_(std::move(run)),
      dispatcher_(worker.settings.devices.size()),
      left_(run_->tasks.size()) {
  report_.run = number;
  report_.platform = worker.settings.platform;
  report_.devices = worker.settings.devices;
  for (BuiltTask& task : run_->tasks) {
    TaskRecord record{.name = std::move(task.name), .devices = {}};
    for (int device : task.devices) record.devices.push_back(worker.number_of(device));
    report_.tasks.push_back(std::move(record));
  }
}

RunExecution::~RunExecution() {
  if (phase_ != Phase::ended) close();
}

bool RunExecution::advance(std::chrono::steady_clock::time_point deadline) {
  const std::shared_ptr<void> guard = worker_.driver->guard();
  try {
    if (phase_ == Phase::built) begin();
    while (left_ != 0) {
      // Which comes first, a task or a host function, if both are ready? Real devices work while
      // the host runs a function, so tasks start first. On simulated devices a host function takes
      // no time, so it runs first, and the tasks that wait for it start at the same simulated time
      // as the others.
      std::optional<std::size_t> task;
      if (functions_.empty() || !worker_.driver->is_simulated()) task = dispatcher_.next();
      if (task) {
        start(*task);
      } else if (!functions_.empty()) {
        const std::size_t function = functions_.top();
        functions_.pop();
        run_function(function);
      } else {
        const std::optional<TaskEnd> end = worker_.driver->wait_for_end(deadline);
        if (!end) return false;
        finish(end->task, end->failure == nullptr ? "" : failure_of(*end));
      }
    }
  } catch (const abi::__forced_unwind&) {  // this thread is being cancelled
    throw;
  } catch (...) {  // the driver failed; failures of tasks do not throw
    defect_ = defect_of_exception();
  }
  close();
  return true;
}

void RunExecution::begin() {
  DeviceDriver::RunSettings settings{.domains = {}, .options = worker_.settings.options};
  if (worker_.settings.make_checks) {
    checks_ = worker_.settings.make_checks();
    settings.options.readers.push_back(checks_.get());
    settings.uses = uses_of(*run_);
    predecessors_ = device_predecessors(*run_);
  }
  for (const std::shared_ptr<DomainState>& domain : run_->domains) {
    settings.domains.push_back({.name = domain->request.name,
                                .devices = domain->device_indexes,
                                .window = domain->window,
                                .window_bytes = domain->request.window_bytes});
  }
  worker_.driver->begin_run(std::move(settings));
  phase_ = Phase::running;
  add_ready(run_->graph.first());
}

void RunExecution::add_ready(const std::vector<std::size_t>& tasks) {
  for (std::size_t task : tasks) {
    const std::vector<int>& devices = run_->tasks[task].devices;
    if (devices.empty()) {
      functions_.push(task);
    } else {
      dispatcher_.add(task, devices);
    }
  }
}

void RunExecution::start(std::size_t task) {
  BuiltTask& built = run_->tasks[task];
  TaskRecord& record = report_.tasks[task];
  record.state = TaskRecord::State::running;
  record.begin_ps = worker_.driver->now();
  for (const std::shared_ptr<DomainState>& domain : built.domains) {
    if (!domain->broken.empty()) return finish(task, domain->broken);
  }
  copy_to_devices(built.staged);
  DriverTask started{.id = static_cast<std::uint32_t>(task),
                     .name = fmt::format("task {} `{}`", task, built.callable->name),
                     .program = built.callable->program.get(),
                     .members = std::move(built.members)};
  if (!predecessors_.empty()) started.after = std::move(predecessors_[task]);
  worker_.driver->start(started);
}

void RunExecution::run_function(std::size_t task) {
  BuiltTask& built = run_->tasks[task];
  TaskRecord& record = report_.tasks[task];
  record.state = TaskRecord::State::running;
  record.begin_ps = worker_.driver->now();
  std::string failure;
  const TaskArguments arguments(built.members.front().arguments);
  try {
    built.function(arguments);
  } catch (...) {
    failure = text_of_exception();
  }
  for (const TaskArgument& argument : built.members.front().arguments) {
    if (checks_ == nullptr || !argument.in_window) continue;
    if (argument.direction != TaskDirection::input) checks_->note_host_write(argument.view);
  }
  finish(task, failure);
}

// Ends a task: writes staged arrays back unless the task failed, breaks its domains if it failed on
// devices (signals and windows are left in an unknown state), frees its devices, and passes the end
// on to the tasks that wait for it. Tasks that consume what a failed task makes end here as well,
// as not run.
void RunExecution::finish(std::size_t task, const std::string& failure) {
  BuiltTask& built = run_->tasks[task];
  TaskRecord& record = report_.tasks[task];
  record.end_ps = worker_.driver->now();
  record.state = failure.empty() ? TaskRecord::State::done : TaskRecord::State::failed;
  record.failure = failure;
  if (failure.empty()) {
    write_back(built.staged);
  } else {
    if (checks_ != nullptr && !built.devices.empty()) checks_->stop();
    for (const std::shared_ptr<DomainState>& domain : built.domains) {
      if (built.devices.empty() || !domain->broken.empty()) continue;
      domain->broken = fmt::format(
          "domain `{}` is left in the midst of task {} `{}`, which failed; use another domain",
          domain->request.name, task, record.name);
    }
  }
  built.staged.clear();
  built.function = nullptr;
  if (!built.devices.empty()) dispatcher_.release(built.devices);
  const TaskGraph::Consequences consequences =
      run_->graph.end(task, !failure.empty(), record.end_ps - record.begin_ps);
  --left_;
  add_ready(consequences.ready);
  for (const auto& [consumer, failed] : consequences.failed) {
    TaskRecord& skipped = report_.tasks[consumer];
    skipped.state = TaskRecord::State::not_run;
    skipped.failed_task = failed;
    skipped.begin_ps = skipped.end_ps = record.end_ps;
    --left_;
  }
}

std::string RunExecution::failure_of(const TaskEnd& end) const {
  std::string text;
  try {
    std::rethrow_exception(end.failure);
  } catch (const Deadlock& deadlock) {
    text = "deadlock: it waits, and nobody can wake it";
    const std::size_t count = deadlock.cores().size();
    for (std::size_t i = 0; i < std::min(count, max_cores); ++i) {
      const StandingCore& core = deadlock.cores()[i];
      text += fmt::format("\n  device {} {}   {}:{}", worker_.number_of(core.rank), core.what,
                          core.file, core.line);
    }
    if (count > max_cores) text += fmt::format("\n  and {} more", count - max_cores);
    if (!deadlock.why().empty()) text += "\n  " + deadlock.why();
  } catch (const KernelFailure& failure) {
    return fmt::format("kernel error on device {}: {}   {}", worker_.number_of(failure.rank()),
                       failure.what_happened(), describe(failure.place()));
  } catch (...) {
    text = text_of_exception();
  }
  if (!end.is_deadlock) return text;
  const BuiltTask& built = run_->tasks[end.task];
  const bool is_alone = built.devices.size() == 1 && !built.domains.empty() &&
                        built.domains.front()->request.devices.size() > 1;
  if (is_alone) {
    text += fmt::format(
        "\n  tasks that wait for each other have to start together: submit those on "
        "domain `{}` as one group",
        built.domains.front()->request.name);
  }
  return text;
}

void RunExecution::close() {
  const bool has_begun = phase_ == Phase::running;
  phase_ = Phase::ended;
  DeviceDriver& driver = *worker_.driver;
  if (has_begun) {
    report_.time_ps = driver.now();
    driver.end_run();
  }
  for (const TaskRecord& task : report_.tasks) {
    report_.serial_ps += task.end_ps - task.begin_ps;
  }
  report_.critical_path_ps = run_->graph.critical_path_ps();
  report_.critical_path = run_->graph.critical_path();
  if (checks_ != nullptr) {
    report_.findings = checks_->findings(!defect_.empty() || report_.failures() != 0);
    checks_ = nullptr;
  }
  run_->release();
  run_->tasks.clear();
  predecessors_.clear();
}

void RunExecution::drop(const std::string& why) {
  defect_ = why;
  close();
}

std::string RunExecution::progress() const {
  std::size_t ended = 0;
  std::string running;
  for (std::size_t task = 0; task < report_.tasks.size(); ++task) {
    const TaskRecord::State state = report_.tasks[task].state;
    if (state == TaskRecord::State::running)
      running += "\n  " + task_label(report_, task) + " runs";
    if (state > TaskRecord::State::running) ++ended;
  }
  return fmt::format("{} of its {} tasks have ended{}", ended, report_.tasks.size(),
                     running.empty() ? ", and none runs" : running);
}

}  // namespace peal
