// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/worker/driver.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <span>
#include <utility>

#include "peal/base/error.h"
#include "peal/executors/shm/wait/call_history.h"
#include "peal/executors/shm/wait/deadlock.h"

namespace peal {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// Bounds of the sleep between two searches for failures and deadlocks; it doubles in between.
constexpr milliseconds shortest_sleep(1), longest_sleep(100);

// How long a device may go on with a cancelled task before all are killed.
constexpr std::chrono::seconds grace(5);

}  // namespace

ShmDriver::ShmDriver(std::shared_ptr<DeviceProcesses> processes, std::string others)
    : processes_(std::move(processes)),
      others_(std::move(others)),
      memory_(processes_->arena(), processes_->memory_bytes()),
      policy_(processes_->arena().wait_policy(1)),
      devices_(processes_->numbers().size()) {}

ShmDriver::~ShmDriver() = default;

void ShmDriver::add_program(const std::string& name, const TaskProgram& program) {
  const auto* const known = dynamic_cast<const DeviceProgram*>(&program);
  if (known == nullptr) {
    throw UsageError(
        fmt::format("callable `{}` is written for a chip, as PTO kernels are, and platform shm has "
                    "none; use one of {}",
                    name, others_));
  }
  if (is_open_) {
    throw UsageError(
        fmt::format("callable `{}` is added after start(), and devices of platform shm are "
                    "processes that know only what was added before; add it before start()",
                    name));
  }
  try {
    descriptors_.push_back({name, known->descriptor()});
  } catch (const Error& error) {
    throw UsageError(
        fmt::format("callable `{}` cannot run on platform shm: {}", name, error.what()));
  }
  programs_.emplace(&program, descriptors_.size() - 1);
}

void ShmDriver::open() {
  const std::string packed = pack_programs(descriptors_);
  const DeviceMemory memory =
      memory_.allocate({.name = "programs", .devices = {0}, .size_bytes = packed.size()});
  std::memcpy(memory.on(0), packed.data(), packed.size());
  processes_->add_programs({reinterpret_cast<const char*>(memory.on(0)), packed.size()});
  memory_.free(memory);
  processes_->start();
  is_open_ = true;
}

void ShmDriver::begin_run(RunSettings settings) {
  PEAL_CHECK(running_.empty() && settings.options.readers.empty());
  if (processes_->start()) {
    for (Device& device : devices_) device.number = 0;
  }
  settings_ = std::move(settings);
  domains_.assign(settings_.domains.size(), nullptr);
  ++run_;
  begin_ = Clock::now();
}

Picoseconds ShmDriver::now() const {
  return std::chrono::duration_cast<nanoseconds>(Clock::now() - begin_).count() * 1000;
}

DomainControl& ShmDriver::domain_control(std::size_t index) {
  DomainControl*& made = domains_[index];
  if (made != nullptr) return *made;
  const DriverDomain& domain = settings_.domains[index];
  const ShmArena& arena = processes_->arena();
  const std::size_t offset =
      arena.take_symmetric(domain.name, DomainControl::bytes_of(domain.devices.size()));
  made = new (arena.part(0) + offset) DomainControl{};
  keep_text(made->name, domain.name);
  if (domain.window) {
    made->window_offset = domain.window->id;
    made->window_bytes = domain.window_bytes;
  }
  made->size = static_cast<std::int32_t>(domain.devices.size());
  std::copy(domain.devices.begin(), domain.devices.end(), made->devices());
  return *made;
}

TaskArgument* ShmDriver::argument_memory(Device& device, int index, std::size_t count) {
  if (!device.arguments || count > device.arguments_capacity) {
    if (device.arguments) memory_.free(*device.arguments);
    device.arguments.reset();
    device.arguments_capacity = std::bit_ceil(std::max<std::size_t>(16, count));
    device.arguments =
        memory_.allocate({.name = "arguments of a task",
                          .devices = {index},
                          .size_bytes = device.arguments_capacity * sizeof(TaskArgument)});
  }
  return reinterpret_cast<TaskArgument*>(device.arguments->on(index));
}

// Step 1 of TaskMailbox. The device has ended its last task, so nobody reads `order` now.
void ShmDriver::post(const DriverTask& task, const TaskMember& member) {
  Device& device = devices_[static_cast<std::size_t>(member.device)];
  TaskMailbox& box = mailbox(member.device);
  TaskArgument* const arguments = argument_memory(device, member.device, member.arguments.size());
  std::copy(member.arguments.begin(), member.arguments.end(), arguments);
  box.order = {.run = run_,
               .program = programs_.at(task.program),
               .domain = member.domain ? &domain_control(*member.domain) : nullptr,
               .rank = member.rank,
               .arguments_count = static_cast<std::int32_t>(member.arguments.size()),
               .arguments = arguments};
  device.task = task.id;
  ++device.number;
  add_and_wake(box.posted.word(), 1);
}

void ShmDriver::start(const DriverTask& task) {
  Running& running = running_[task.id];
  for (const TaskMember& member : task.members) running.devices.push_back(member.device);
  for (const TaskMember& member : task.members) post(task, member);
}

// Step 3 of TaskMailbox: reads the results of devices that have ended their parts. Returns the
// first task that is complete.
std::optional<TaskEnd> ShmDriver::collect() {
  for (std::size_t index = 0; index < devices_.size(); ++index) {
    const Device& device = devices_[index];
    const auto own = static_cast<int>(index);
    if (!device.task || mailbox(own).done.load() != device.number) continue;
    if (std::optional<TaskEnd> end = leave(own)) return end;
  }
  return std::nullopt;
}

// Reads the result of a device that has ended its part. Returns the task if that was the last part.
std::optional<TaskEnd> ShmDriver::leave(int index) {
  Device& device = devices_[static_cast<std::size_t>(index)];
  const std::uint32_t id = *std::exchange(device.task, std::nullopt);
  Running& task = running_.at(id);
  std::erase(task.devices, index);
  const TaskMailbox& box = mailbox(index);
  if (box.has_failed && task.failure == nullptr) {
    task.failure = std::make_exception_ptr(RunError(box.failure));
    cancel(task);
  }
  if (!task.devices.empty()) return std::nullopt;
  TaskEnd end{.task = id, .failure = task.failure, .is_deadlock = task.is_deadlock};
  running_.erase(id);
  return end;
}

// Makes the remaining devices of a task leave it, since they may wait for the one that has failed.
// A wakeup may be missed (see TaskMailbox) or wake the wrong cell, if the device changes its wait
// just now; both are harmless, since look_after_cancelled() calls this again.
void ShmDriver::cancel(Running& task) {
  if (!task.cancelled) task.cancelled = Clock::now();
  for (int index : task.devices) {
    mailbox(index).cancelled.store(devices_[static_cast<std::size_t>(index)].number);
    const ShmArena& arena = processes_->arena();
    const RankControl& control = arena.rank(index);
    if (control.sleeps.load() % 2 == 1) wake(arena.cell_at(control.wait.cell).sleepers);
  }
}

void ShmDriver::look_after_cancelled() {
  for (auto& [id, task] : running_) {
    if (!task.cancelled) continue;
    cancel(task);
    if (Clock::now() - *task.cancelled < grace) continue;
    processes_->stop();
    throw RunError(fmt::format(
        "device {} went on for {} s after task {} had failed on another, and was killed",
        processes_->numbers()[static_cast<std::size_t>(task.devices.front())], grace.count(), id));
  }
}

// The first difference between the collective calls of a sleeping device and its peers; may be
// empty.
std::string ShmDriver::unlike_calls(int index) const {
  const ShmArena& arena = processes_->arena();
  const SleepingWait& wait = arena.rank(index).wait;
  if (wait.calls_place == 0) return "";
  return find_difference(arena, {.part = index,
                                 .place = static_cast<std::size_t>(wait.calls_place),
                                 .number = wait.call_number})
      .value_or("");
}

// A device without a task notifies nobody, so the devices with tasks meet the precondition of
// find_deadlock(). This thread gives out the tasks, so none starts during the search.
void ShmDriver::look_for_deadlock() {
  std::vector<int> busy;
  for (std::size_t index = 0; index < devices_.size(); ++index) {
    if (devices_[index].task) busy.push_back(static_cast<int>(index));
  }
  std::map<int, StandingCore> cores;
  for (StandingCore& core : find_deadlock(processes_->arena(), busy)) {
    cores[core.rank] = std::move(core);
  }
  if (cores.empty()) return;
  for (auto& [id, task] : running_) {
    if (task.cancelled) continue;
    std::vector<StandingCore> own;
    std::string why;
    for (int index : task.devices) {
      own.push_back(cores.at(index));
      if (why.empty()) why = unlike_calls(index);
    }
    task.is_deadlock = true;
    task.failure = std::make_exception_ptr(Deadlock("deadlock", std::move(own), std::move(why)));
    cancel(task);
  }
}

void ShmDriver::report_end(const std::string& what) const {
  const int failed = processes_->arena().failed_rank();
  if (failed >= 0) {
    if (const auto task = devices_[static_cast<std::size_t>(failed)].task) {
      throw RunError(fmt::format("{} while task {} ran on it", what, *task));
    }
  }
  throw RunError(what);
}

std::optional<TaskEnd> ShmDriver::wait_for_end(Clock::time_point deadline) {
  SharedWord& events = processes_->control().events;
  nanoseconds sleep = shortest_sleep;
  for (;;) {
    // The counter is loaded before the mailboxes: an event that collect() misses changes it, and so
    // ends the wait below.
    const std::uint32_t seen = events.load();
    if (std::optional<TaskEnd> end = collect()) return end;
    if (processes_->have_failed()) report_end(processes_->end().value());
    look_after_cancelled();
    const auto left = std::chrono::duration_cast<nanoseconds>(deadline - Clock::now());
    if (left.count() <= 0) return std::nullopt;
    if (wait_briefly(events.word(), seen + 1, policy_, std::min(sleep, left))) continue;
    if (const std::optional<std::string> what = processes_->end()) report_end(*what);
    look_for_deadlock();
    const bool is_leaving = std::any_of(running_.begin(), running_.end(), [](const auto& entry) {
      return entry.second.cancelled.has_value();
    });
    sleep = is_leaving ? shortest_sleep : std::min<nanoseconds>(2 * sleep, longest_sleep);
  }
}

void ShmDriver::end_run() {
  if (!running_.empty()) processes_->stop();
  running_.clear();
  for (Device& device : devices_) device.task.reset();
  domains_.clear();
  settings_ = {};
  processes_->forget_allocations();
}

}  // namespace peal
