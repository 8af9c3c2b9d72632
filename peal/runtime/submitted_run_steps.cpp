// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <set>

#include "peal/base/error.h"
#include "peal/run/deadlock.h"
#include "peal/run/kernel_failure.h"
#include "peal/runtime/submitted_run.h"

// The second half of SubmittedRun: how a run is carried out.

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

}  // namespace

bool SubmittedRun::advance(std::chrono::steady_clock::time_point deadline) {
  const std::shared_ptr<void> guard = worker_.driver->guard();
  try {
    if (phase_ == Phase::made) begin();
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
  } catch (const std::exception& error) {  // the driver failed; failures of tasks do not throw
    defect_ = error.what();
  }
  close();
  return true;
}

void SubmittedRun::begin() {
  left_ = entries_.size();
  DeviceDriver::RunSettings settings{.domains = {}, .options = worker_.settings.options};
  if (worker_.settings.make_checks) {
    checks_ = worker_.settings.make_checks();
    settings.options.readers.push_back(checks_.get());
    settings.uses = uses();
    find_predecessors();
  }
  for (const std::shared_ptr<DomainState>& domain : domains_) {
    settings.domains.push_back({.name = domain->request.name,
                                .devices = domain->device_indexes,
                                .window = domain->window,
                                .window_bytes = domain->request.window_bytes});
  }
  worker_.driver->begin_run(std::move(settings));
  phase_ = Phase::running;
  add_ready(graph_.first());
}

std::vector<DeviceDriver::Use> SubmittedRun::uses() const {
  std::set<DeviceDriver::Use> known;
  std::vector<DeviceDriver::Use> result;  // in the order of submission
  for (const Entry& entry : entries_) {
    if (entry.devices.empty()) continue;
    for (const TaskMember& member : entry.members) {
      const int ranks =
          member.domain ? static_cast<int>(domains_[*member.domain]->request.devices.size()) : 1;
      const DeviceDriver::Use use{entry.callable->program.get(), member.device, ranks};
      if (known.insert(use).second) result.push_back(use);
    }
  }
  return result;
}

// Finds, for each task, the device tasks that it directly waits for; they become happens-before
// edges for readers of events. Joins and host functions are no device tasks, so paths lead through
// them to the device tasks before. Direct predecessors of the last one found are implied by it and
// left out, so that a long chain of tasks does not accumulate edges.
void SubmittedRun::find_predecessors() {
  std::vector<std::vector<std::size_t>> before(graph_.node_count());
  for (const TaskGraph::Arrow& arrow : graph_.arrows()) before[arrow.to].push_back(arrow.from);
  std::vector<std::size_t> seen(before.size(), SIZE_MAX);  // the last task that visited the node
  for (std::size_t task = 0; task < entries_.size(); ++task) {
    std::vector<std::uint32_t> found;
    std::vector<std::size_t> open = before[task];
    while (!open.empty()) {
      const std::size_t node = open.back();
      open.pop_back();
      if (seen[node] == task) continue;
      seen[node] = task;
      if (node >= entries_.size()) {
        open.insert(open.end(), before[node].begin(), before[node].end());
      } else if (const Entry& earlier = entries_[node]; earlier.devices.empty()) {
        found.insert(found.end(), earlier.after.begin(), earlier.after.end());
      } else {
        found.push_back(static_cast<std::uint32_t>(node));
      }
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    if (found.empty()) continue;
    const std::vector<std::uint32_t>& implied = entries_[found.back()].after;
    std::set_difference(found.begin(), found.end(), implied.begin(), implied.end(),
                        std::back_inserter(entries_[task].after));
  }
}

void SubmittedRun::add_ready(const std::vector<std::size_t>& tasks) {
  for (std::size_t task : tasks) {
    if (entries_[task].devices.empty()) {
      functions_.push(task);
    } else {
      dispatcher_.add(task, entries_[task].devices);
    }
  }
}

void SubmittedRun::start(std::size_t task) {
  Entry& entry = entries_[task];
  TaskRecord& record = report_.tasks[task];
  record.state = TaskRecord::State::running;
  record.begin_ps = worker_.driver->now();
  for (const std::shared_ptr<DomainState>& domain : entry.domains) {
    if (!domain->broken.empty()) return finish(task, domain->broken);
  }
  for (Staged& staged : entry.staged) {
    std::memcpy(staged.device, staged.host, staged.size_bytes);
    if (staged.only_changes) staged.before.assign(staged.host, staged.host + staged.size_bytes);
  }
  worker_.driver->start({.id = static_cast<std::uint32_t>(task),
                         .name = fmt::format("task {} `{}`", task, entry.callable->name),
                         .program = entry.callable->program.get(),
                         .members = std::move(entry.members),
                         .after = std::move(entry.after)});
}

void SubmittedRun::run_function(std::size_t task) {
  TaskRecord& record = report_.tasks[task];
  record.state = TaskRecord::State::running;
  record.begin_ps = worker_.driver->now();
  std::string failure;
  try {
    entries_[task].function(TaskArguments(entries_[task].members.front().arguments));
  } catch (...) {
    failure = text_of_exception();
  }
  for (const TaskArgument& argument : entries_[task].members.front().arguments) {
    if (checks_ == nullptr || !argument.in_window) continue;
    if (argument.direction != TaskDirection::input) checks_->note_host_write(argument.view);
  }
  finish(task, failure);
}

// Ends a task: writes staged arrays back unless the task failed, breaks its domains if it failed on
// devices (signals and windows are left in an unknown state), frees its devices, and passes the end
// on to the tasks that wait for it. Tasks that consume what a failed task makes end here as well,
// as not run.
void SubmittedRun::finish(std::size_t task, const std::string& failure) {
  Entry& entry = entries_[task];
  TaskRecord& record = report_.tasks[task];
  record.end_ps = worker_.driver->now();
  record.state = failure.empty() ? TaskRecord::State::done : TaskRecord::State::failed;
  record.failure = failure;
  if (failure.empty()) {
    for (const Staged& staged : entry.staged) {
      if (!staged.writes) continue;
      if (!staged.only_changes) {
        std::memcpy(staged.host, staged.device, staged.size_bytes);
        continue;
      }
      for (std::size_t i = 0; i < staged.size_bytes; ++i) {
        if (staged.device[i] != staged.before[i]) staged.host[i] = staged.device[i];
      }
    }
  } else {
    if (checks_ != nullptr && !entry.devices.empty()) checks_->stop();
    for (const std::shared_ptr<DomainState>& domain : entry.domains) {
      if (entry.devices.empty() || !domain->broken.empty()) continue;
      domain->broken = fmt::format(
          "domain `{}` is left in the midst of task {} `{}`, which failed; use another domain",
          domain->request.name, task, record.name);
    }
  }
  entry.staged.clear();
  entry.function = nullptr;
  if (!entry.devices.empty()) dispatcher_.release(entry.devices);
  const TaskGraph::Consequences consequences =
      graph_.end(task, !failure.empty(), record.end_ps - record.begin_ps);
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

std::string SubmittedRun::failure_of(const TaskEnd& end) const {
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
                       failure.what_happened(), failure.where());
  } catch (...) {
    text = text_of_exception();
  }
  if (!end.is_deadlock) return text;
  const Entry& entry = entries_[end.task];
  const bool is_alone = entry.devices.size() == 1 && !entry.domains.empty() &&
                        entry.domains.front()->request.devices.size() > 1;
  if (is_alone) {
    text += fmt::format(
        "\n  tasks that wait for each other have to start together: submit those on "
        "domain `{}` as one group",
        entry.domains.front()->request.name);
  }
  return text;
}

void SubmittedRun::close() {
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
  report_.critical_path_ps = graph_.critical_path_ps();
  report_.critical_path = graph_.critical_path();
  if (checks_ != nullptr) {
    report_.findings = checks_->findings(!defect_.empty() || report_.failures() != 0);
    checks_ = nullptr;
  }
  for (const std::shared_ptr<DomainState>& domain : domains_) {
    domain->release("belongs to a run that has ended");
    driver.free(domain->window);
    for (const std::shared_ptr<BufferMemory>& window : domain->windows) window->data = nullptr;
  }
  for (const auto& [host, memory] : stages_) driver.free(memory);
  for (const auto& [memory, handle] : used_) --memory->runs;
  domains_.clear();
  stages_.clear();
  used_.clear();
  entries_.clear();
}

void SubmittedRun::drop(const std::string& why) {
  defect_ = why;
  close();
}

std::string SubmittedRun::progress() const {
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
