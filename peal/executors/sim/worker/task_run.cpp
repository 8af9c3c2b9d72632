// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/worker/task_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "peal/base/alignment.h"
#include "peal/base/error.h"
#include "peal/executors/sim/deadlock.h"
#include "peal/executors/sim/memory.h"
#include "peal/executors/sim/schedule/schedule.h"

namespace peal {
namespace {

// The deadline is checked every 1024 steps.
constexpr std::uint64_t deadline_mask = 1023;

}  // namespace

TaskDomain::TaskDomain(const DriverDomain& domain, DeviceHeap& heap, Fabric& fabric,
                       const RunOptions& options, std::map<std::string, Picoseconds>& foreseen)
    : domain_(domain),
      heap_(heap),
      run_{.fabric = fabric,
           .windows = *this,
           .options = options,
           .foreseen = foreseen,
           .parts = domain.devices,
           .counts = std::vector<RankCounts>(domain.devices.size()),
           .regions = &heap},
      members_(domain.devices.size()) {}

TaskDomain::~TaskDomain() {
  for (const SimWindow& window : windows()) heap_.free(window.offset);
}

TaskDomain::Member& TaskDomain::member(int rank, Core& core) {
  std::unique_ptr<Member>& member = members_[static_cast<std::size_t>(rank)];
  if (member == nullptr) {
    const auto ranks = static_cast<int>(domain_.devices.size());
    member = std::make_unique<Member>(run_, core, rank, ranks);
  }
  return *member;
}

std::vector<std::byte*> TaskDomain::window_addresses() const {
  std::vector<std::byte*> result;
  if (!domain_.window) return result;
  for (int device : domain_.devices) result.push_back(domain_.window->on(device));
  return result;
}

void TaskDomain::place(SimWindow& window) {
  window.offset = heap_.allocate({.name = window.name,
                                  .devices = domain_.devices,
                                  .size_bytes = window.size_bytes,
                                  .kind = window.kind});
}

void TaskRun::Programs::resume(int core) {
  running_ = core;
  slots_[static_cast<std::size_t>(core)].fiber->resume();
  running_ = -1;
}

void TaskRun::Programs::suspend(int core) {
  slots_[static_cast<std::size_t>(core)].fiber->suspend();
}

std::span<std::byte> TaskRun::Programs::stack(int core) {
  return slots_[static_cast<std::size_t>(core)].fiber->stack();
}

void TaskRun::Programs::abandon(int core, std::exception_ptr failure) {
  slots_[static_cast<std::size_t>(core)].fiber->abandon(std::move(failure));
}

TaskRun::TaskRun(const Machine& machine, DeviceDriver::RunSettings settings)
    : machine_(machine),
      settings_(std::move(settings)),
      programs_(slots_),
      agenda_(make_schedule(settings_.options.schedule, settings_.options.save_schedule)),
      cores_(static_cast<std::size_t>(machine.heap.map().ranks)) {
  fabric_ = std::make_unique<Fabric>(Fabric::Settings{.platform = machine.platform,
                                                      .agenda = *agenda_,
                                                      .programs = programs_,
                                                      .memory = machine.heap.map(),
                                                      .regions = machine.heap,
                                                      .values = settings_.options.values,
                                                      .readers = settings_.options.readers,
                                                      .skipped = settings_.options.skipped,
                                                      .looks = &settings_.options.looks});
  if (fabric_->observed()) {
    for (const auto& [offset, allocation] : machine.heap.allocations()) {
      for (int device : allocation.devices) report_window(allocation.window, device, 0, *fabric_);
    }
  }
  for (const DriverDomain& domain : settings_.domains) {
    domains_.push_back(std::make_unique<TaskDomain>(domain, machine.heap, *fabric_,
                                                    settings_.options, machine.foreseen));
  }
  for (const DeviceDriver::Use& use : settings_.uses) {
    static_cast<void>(core_of(use.device, cores_of(*use.program, use.ranks) - 1));
  }
}

// Ends the programs first, while everything that they refer to still lives.
TaskRun::~TaskRun() {
  for (std::size_t core = 0; core < slots_.size(); ++core) end_program(static_cast<int>(core));
}

// Drops the fiber if it is inside a kernel, which is unsafe to unwind; otherwise unwinds it.
void TaskRun::end_program(int index) {
  Slot& slot = slots_[static_cast<std::size_t>(index)];
  Core& core = fabric_->core(index);
  core.mark_unwinding();
  if (core.in_kernel() && !slot.fiber->ended()) slot.fiber->drop();
  slot.fiber = nullptr;
}

TaskDomain& TaskRun::domain_of(const TaskMember& member) {
  if (member.domain) return *domains_[*member.domain];
  std::unique_ptr<TaskDomain>& own = alone_[member.device];
  if (own == nullptr) {
    const DriverDomain domain{.name = fmt::format("device {}", member.device),
                              .devices = {member.device}};
    own = std::make_unique<TaskDomain>(domain, machine_.heap, *fabric_, settings_.options,
                                       machine_.foreseen);
  }
  return *own;
}

int TaskRun::cores_of(const TaskProgram& program, int ranks) {
  const auto* const chip = dynamic_cast<const ChipProgram*>(&program);
  return chip == nullptr ? 1 : chip->cores(ranks);
}

int TaskRun::core_of(int device, int index) {
  std::vector<int>& cores = cores_[static_cast<std::size_t>(device)];
  const auto on_chip = static_cast<std::size_t>(on_chip_bytes(machine_.platform));
  const std::size_t stride = round_up(on_chip, layout_page_bytes);
  while (cores.size() <= static_cast<std::size_t>(index)) {
    const std::size_t core = slots_.size();
    if (machine_.on_chip.size() == core) {
      machine_.on_chip.push_back(ZeroPages::map(on_chip, on_chip_address() + core * stride));
      if (machine_.on_chip.back().data() == nullptr) {
        machine_.on_chip.pop_back();
        throw UsageError(
            fmt::format("simulator: there is no memory for {} cores; use fewer devices", core + 1));
      }
    }
    std::byte* const memory = machine_.on_chip[core].data();
    report_on_chip(static_cast<int>(core), device, memory, on_chip, *fabric_);
    Slot& slot = slots_.emplace_back();
    slot.fiber =
        std::make_unique<Fiber>(machine_.stacks, [this, core] { work(static_cast<int>(core)); });
    fabric_->add_core(device, memory);
    cores.push_back(static_cast<int>(core));
  }
  return cores[static_cast<std::size_t>(index)];
}

void TaskRun::start(const DriverTask& task) {
  auto made = std::make_unique<Running>();
  made->id = task.id;
  made->program = task.program;
  made->name = task.name;
  for (const TaskMember& member : task.members) {
    made->parts.push_back({.member = member, .domain = nullptr, .chip = nullptr});
  }
  if (fabric_->observed()) made->after = task.after;
  Running& running = *running_.emplace(task.id, std::move(made)).first->second;
  try {
    prepare(running);
  } catch (...) {
    running.failure = std::current_exception();
  }
  if (running.failure != nullptr) return leave(running);
  assign(running);
}

// Makes everything that the task needs; all that can fail at the start fails here, before any core
// runs.
void TaskRun::prepare(Running& task) {
  for (Part& part : task.parts) {
    part.domain = &domain_of(part.member);
    const auto ranks = static_cast<int>(part.domain->domain().devices.size());
    part.cores = cores_of(*task.program, ranks);
    part.first_number = next_number_;
    if (fabric_->observed()) part.after = tasks_before(task, part.member.device);
    std::size_t count = 1;
    if (const auto* const chip = dynamic_cast<const ChipProgram*>(task.program)) {
      part.chip = chip->start({.arguments = part.member.arguments,
                               .rank = part.member.rank,
                               .ranks = ranks,
                               .windows = part.domain->window_addresses(),
                               .window_bytes = part.domain->domain().window_bytes,
                               .first_task = next_number_,
                               .name = task.name,
                               .after = part.after});
      count = part.chip->count();
    }
    next_number_ += static_cast<std::int64_t>(count);
    if (fabric_->observed()) {
      numbers_[task.id].push_back({part.first_number, count});
      last_on_[part.member.device] = numbers_[task.id].back();
    }
    for (int index = 0; index < part.cores; ++index) {
      task.cores.push_back(core_of(part.member.device, index));
    }
  }
}

void TaskRun::assign(Running& task) {
  task.cores_left = static_cast<int>(task.cores.size());
  const Picoseconds begin = fabric_->now() + machine_.platform.tasks.dispatch_ps;
  std::size_t next = 0;
  for (std::size_t part = 0; part < task.parts.size(); ++part) {
    for (int index = 0; index < task.parts[part].cores; ++index) {
      const int core = task.cores[next++];
      Slot& slot = slots_[static_cast<std::size_t>(core)];
      PEAL_CHECK(slot.task == nullptr);
      slot.task = &task;
      slot.part = part;
      slot.index = index;
      slot.begin = begin;
      Core& own = fabric_->core(core);
      if (own.blocked() == Core::Blocked::parked) own.wake(begin);
    }
  }
}

// The program of a core's fiber. A share ends only when its stores are visible, so that a task that
// starts after this one finds them.
void TaskRun::work(int index) {
  Core& core = fabric_->core(index);
  Slot& slot = slots_[static_cast<std::size_t>(index)];
  const SourcePlace place = SourcePlace::here(SourceOrigin::runtime);
  for (;;) {
    while (slot.task == nullptr) core.park();
    Running& task = *slot.task;
    if (slot.settles) {  // step 2 of TaskRun: transfers here, other stores by the dsb below
      core.wait_transfers(core.transfers(), place);
    } else {
      if (core.clock() < slot.begin) core.spend(slot.begin - core.clock());
      run_part(core, slot);
    }
    core.pipe_barrier(Pipe::all, place);
    core.dsb(place);
    core.spend(machine_.platform.tasks.completion_ps);
    core.yield();
    slot.task = nullptr;
    slot.settles = false;
    if (--task.cores_left == 0) leave(task);
  }
}

// The numbers of the tasks that happen before a part: its dependencies in the graph, and the last
// task of its device, since a device takes one task at a time.
std::vector<std::int64_t> TaskRun::tasks_before(const Running& task, int device) {
  std::vector<std::int64_t> result;
  const auto add = [&result](const Numbers& numbers) {
    for (std::size_t i = 0; i < numbers.count; ++i) {
      result.push_back(numbers.first + static_cast<std::int64_t>(i));
    }
  };
  for (std::uint32_t before : task.after) {
    for (const Numbers& numbers : numbers_[before]) add(numbers);
  }
  if (const auto last = last_on_.find(device); last != last_on_.end()) add(last->second);
  return result;
}

void TaskRun::run_part(Core& core, const Slot& slot) {
  const SourcePlace place = SourcePlace::here(SourceOrigin::runtime);
  const Running& task = *slot.task;
  const Part& part = task.parts[slot.part];
  for (const std::int64_t before : part.after) {
    core.report_task(EventKind::task_after, before, place);
  }
  if (part.chip != nullptr) return part.chip->work(core, slot.index);
  TaskDomain::Member& member = part.domain->member(part.member.rank, core);
  member.device.set_arguments(part.member.arguments);
  member.team.begin_task();
  core.report_task(EventKind::task_begin, part.first_number, place, task.name.c_str());
  static_cast<const DeviceProgram&>(*task.program).run(member.team, part.member.arguments);
  member.device.finish();
  core.report_task(EventKind::task_end, part.first_number, place);
}

void TaskRun::leave(Running& task) {
  ended_.push_back({.task = task.id, .failure = task.failure, .is_deadlock = task.is_deadlock});
}

// Stops the task on all its cores and lets them settle (see TaskRun). Cores that have ended their
// share no longer have it in their slot, and are left alone.
void TaskRun::fail(Running& task, std::exception_ptr failure) {
  task.failure = std::move(failure);
  for (int core : task.cores) {
    Slot& slot = slots_[static_cast<std::size_t>(core)];
    if (slot.task != &task) continue;
    end_program(core);  // step 1 of TaskRun
    slot.fiber = std::make_unique<Fiber>(machine_.stacks, [this, core] { work(core); });
    slot.settles = true;
    fabric_->core(core).restart();
  }
  // A device's team of one is reused by later tasks, and may be in the middle of a call: drop it.
  for (const Part& part : task.parts) {
    const auto own = part.member.domain ? alone_.end() : alone_.find(part.member.device);
    if (own == alone_.end()) continue;
    left_domains_.push_back(std::move(own->second));
    alone_.erase(own);
  }
}

// No step is left though tasks have not ended. By Fabric::step's contract none of them can go on,
// so each has failed with a deadlock. All cores are described before any is restarted.
void TaskRun::fail_standing() {
  std::vector<Running*> standing;
  std::vector<std::exception_ptr> failures;
  for (const auto& [id, task] : running_) {
    std::vector<StandingCore> cores;
    for (int index : task->cores) {
      if (slots_[static_cast<std::size_t>(index)].task != task.get()) continue;
      cores.push_back(describe(fabric_->core(index)));
    }
    standing.push_back(task.get());
    failures.push_back(std::make_exception_ptr(Deadlock("deadlock", std::move(cores))));
  }
  PEAL_CHECK(!standing.empty());
  for (std::size_t i = 0; i < standing.size(); ++i) {
    standing[i]->is_deadlock = true;
    fail(*standing[i], failures[i]);
  }
}

std::optional<TaskEnd> TaskRun::wait_for_end(std::chrono::steady_clock::time_point deadline) {
  while (ended_.empty()) {
    if ((++steps_ & deadline_mask) == 0 && std::chrono::steady_clock::now() > deadline) return {};
    std::exception_ptr failure;
    bool has_step = true;
    try {
      has_step = fabric_->step();
    } catch (...) {
      failure = std::current_exception();
    }
    if (failure != nullptr) {
      // Steps throw only out of a core's program, so a failure without a task is a defect of Peal.
      const int core = programs_.take_running();
      PEAL_CHECK(core >= 0 && slots_[static_cast<std::size_t>(core)].task != nullptr);
      fail(*slots_[static_cast<std::size_t>(core)].task, failure);
    } else if (!has_step) {
      fail_standing();
    }
  }
  TaskEnd end = std::move(ended_.front());
  ended_.pop_front();
  const auto own = running_.find(end.task);
  left_.push_back(std::move(own->second));
  running_.erase(own);
  forget_left();
  return end;
}

// Step 3 of TaskRun.
void TaskRun::forget_left() {
  if (fabric_->has_signals_in_flight()) return;
  left_.clear();
  left_domains_.clear();
}

}  // namespace peal
