// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/run_builder.h"

#include <fmt/format.h>

#include <atomic>
#include <set>
#include <utility>

#include "peal/base/error.h"
#include "peal/runtime/window_marks.h"

namespace peal {
namespace {

std::atomic<std::uint64_t> runs = 0;

Touch touch_of(const View& view, TaskDirection direction) {
  const auto begin = reinterpret_cast<std::uint64_t>(view.data);
  const TouchKind kind = direction == TaskDirection::input    ? TouchKind::read
                         : direction == TaskDirection::output ? TouchKind::write
                                                              : TouchKind::read_write;
  return {{begin, begin + view.size_bytes()}, kind};
}

}  // namespace

RunBuilder::RunBuilder(WorkerState& worker)
    : worker_(worker), run_(std::make_unique<BuiltRun>(*worker.driver, ++runs)) {}

std::shared_ptr<DomainState> RunBuilder::allocate_domain(const DomainRequest& request) {
  std::vector<std::size_t> offsets = carve_window(request);
  auto state = std::make_shared<DomainState>();
  state->worker = worker_.id;
  state->run = run_->id;
  state->request = request;
  state->index = run_->domains.size();
  state->offsets = std::move(offsets);
  const std::string subject = fmt::format("domain `{}`", request.name);
  for (int device : request.devices) {
    state->device_indexes.push_back(worker_.index_of(device, subject));
  }
  for (const std::shared_ptr<DomainState>& other : run_->domains) {
    if (!other->released.empty() || other->request.name != request.name) continue;
    throw UsageError(
        fmt::format("domain `{}`: the name is in use in this run; release that domain, or "
                    "give another name",
                    request.name));
  }
  const DeviceMemory window = worker_.driver->allocate({.name = request.name + " window",
                                                        .devices = state->device_indexes,
                                                        .size_bytes = request.window_bytes,
                                                        .kind = RegionKind::window});
  state->window = window;
  for (std::size_t rank = 0; rank < request.devices.size(); ++rank) {
    auto memory = std::make_shared<BufferMemory>();
    memory->worker = worker_.id;
    memory->name = request.name;
    memory->device = request.devices[rank];
    memory->device_index = state->device_indexes[rank];
    memory->data = window.on(memory->device_index);
    memory->size_bytes = request.window_bytes;
    memory->in_window = true;
    state->windows.push_back(std::move(memory));
  }
  run_->domains.push_back(state);
  return state;
}

Task RunBuilder::submit(const Callable& callable, const std::vector<int>& devices,
                        const std::vector<Args>& args) {
  const std::string& label =
      args.empty() || args.front().name().empty() ? callable.name : args.front().name();
  const std::string subject = fmt::format("task {} `{}`", run_->tasks.size(), label);
  if (devices.empty()) {
    throw UsageError(fmt::format("{}: no devices are given; name at least one", subject));
  }
  if (args.size() != devices.size()) {
    throw UsageError(fmt::format("{}: {} devices and arguments for {}; give each device its own",
                                 subject, devices.size(), args.size()));
  }
  BuiltTask task;
  task.name = label;
  task.callable = &callable;
  std::vector<Touch> touches;
  std::vector<std::size_t> after;
  std::set<int> known;
  for (std::size_t member = 0; member < devices.size(); ++member) {
    if (!known.insert(devices[member]).second) {
      throw UsageError(
          fmt::format("{}: device {} is twice in the group; a device takes one task at a "
                      "time, so name each once",
                      subject, devices[member]));
    }
    task.devices.push_back(worker_.index_of(devices[member], subject));
    Collected to{task, touches, after, subject};
    collect(args[member], task.devices.back(), to);
  }
  check_apart(task.members, task.staged, worker_, subject);
  check_call(callable, task, subject);
  if (const auto domain = task.members.front().domain) {
    mark_windows(task.members, run_->domains[*domain]->request.devices.size());
  }
  return add(std::move(task), touches, after);
}

Task RunBuilder::submit_host(HostFunction function, const Args& args, const std::string& name) {
  const std::string& label = args.name().empty() ? name : args.name();
  const std::string subject = fmt::format("task {} `{}`", run_->tasks.size(), label);
  if (!function) throw UsageError(fmt::format("{}: the function is empty; give one", subject));
  BuiltTask task;
  task.name = label;
  task.function = std::move(function);
  std::vector<Touch> touches;
  std::vector<std::size_t> after;
  Collected to{task, touches, after, subject};
  collect(args, std::nullopt, to);
  return add(std::move(task), touches, after);
}

// Resolves the arguments of one member of a task: one device's, or the host's without a device.
void RunBuilder::collect(const Args& args, std::optional<int> device, Collected& to) {
  TaskMember member{.device = device.value_or(0)};
  if (args.contexts() > 1) {
    throw UsageError(fmt::format("{}: {} contexts are given; a task has one domain at most",
                                 to.subject, args.contexts()));
  }
  if (args.context()) {
    const std::shared_ptr<DomainState>& domain = args.context()->domain();
    if (domain->run != run_->id || !domain->released.empty()) {
      throw UsageError(fmt::format(
          "{}: domain `{}` {}; allocate one in this run", to.subject, domain->request.name,
          domain->run != run_->id ? "is another run's" : domain->released));
    }
    if (device && args.context()->device() != worker_.number_of(*device)) {
      throw UsageError(fmt::format(
          "{}: the context is device {}'s in domain `{}`, and the task runs on "
          "device {}; give that one's",
          to.subject, args.context()->device(), domain->request.name, worker_.number_of(*device)));
    }
    member.domain = domain->index;
    member.rank = args.context()->rank();
    to.task.domains.push_back(domain);
  }
  for (const Args::Entry& given : args.entries()) {
    member.arguments.push_back(resolve(given, member.arguments.size(), device, to));
    TaskArgument& argument = member.arguments.back();
    // Peers of the task's domain can address only this domain's windows.
    if (device && argument.in_window && args.context()) {
      argument.in_window = given.array->memory() ==
                           args.context()->domain()->windows[static_cast<std::size_t>(member.rank)];
    }
    const bool counts =
        argument.kind == TaskArgument::Kind::array && argument.direction != TaskDirection::no_dep;
    if (counts) to.touches.push_back(touch_of(given.array->view(), argument.direction));
  }
  for (const Task& task : args.after()) {
    if (task.run() != run_->id) {
      throw UsageError(
          fmt::format("{}: it is to wait for task {} of another run; runs take effect in "
                      "the order of their submission anyway, so leave it away",
                      to.subject, task.number()));
    }
    to.after.push_back(task.number());
  }
  to.task.members.push_back(std::move(member));
}

TaskArgument RunBuilder::resolve(const Args::Entry& given, std::size_t index,
                                 std::optional<int> device, Collected& to) {
  TaskArgument argument{.kind = given.kind,
                        .direction = given.direction,
                        .scalar_kind = given.scalar_kind,
                        .scalar = given.scalar};
  if (given.kind != TaskArgument::Kind::array) return argument;
  const Array& array = *given.array;
  const std::string subject = fmt::format("{}: argument {}", to.subject, index);
  argument.view = array.view();
  if (array.memory() != nullptr) {
    use(array.memory(), subject);
    argument.in_window = array.memory()->in_window;
    if (device && array.memory()->device_index != *device) {
      throw UsageError(fmt::format(
          "{}, `{}`, lies on device {}, and the task runs on device {}; give "
          "what lies there",
          subject, array.memory()->name, array.memory()->device, worker_.number_of(*device)));
    }
    return argument;
  }
  if (array.is_const() && given.direction != TaskDirection::input) {
    throw UsageError(
        fmt::format("{} is const and given as `{}`; give it as `in`, or what can be written",
                    subject, name(given.direction)));
  }
  if (!device || array.view().empty()) return argument;
  argument.view.data = stage(array.view(), *device);
  to.task.staged.push_back({.host = array.view().data,
                            .device = argument.view.data,
                            .size_bytes = array.view().size_bytes(),
                            .writes = given.direction != TaskDirection::input,
                            .only_changes = given.direction == TaskDirection::no_dep});
  return argument;
}

void RunBuilder::use(const std::shared_ptr<BufferMemory>& memory, const std::string& subject) {
  if (memory->worker != worker_.id) {
    throw UsageError(fmt::format("{}, `{}`, is a buffer of another worker; use this one's", subject,
                                 memory->name));
  }
  if (!memory->gone.empty()) {
    throw UsageError(fmt::format("{}, `{}`, {}; use it before, or another one", subject,
                                 memory->name, memory->gone));
  }
  if (run_->buffers.insert(memory).second) ++memory->runs;
}

// Returns where the copy of an array in host memory lies on the device; allocates it on first use.
std::byte* RunBuilder::stage(const View& view, int device) {
  const auto [copy, is_new] =
      run_->copies.try_emplace({view.data, view.size_bytes(), device}, DeviceMemory{});
  if (is_new) {
    try {
      copy->second = worker_.driver->allocate({.name = "copy of host memory",
                                               .devices = {device},
                                               .size_bytes = view.size_bytes(),
                                               .kind = RegionKind::inout});
    } catch (...) {
      run_->copies.erase(copy);
      throw;
    }
  }
  return copy->second.on(device);
}

// The number of earlier calls of the callable by this member's device, in its domain or without
// one.
std::int64_t& RunBuilder::calls_of(const Callable& callable, const TaskMember& member) {
  return calls_[{callable.program.get(), member.domain.value_or(SIZE_MAX), member.device}];
}

void RunBuilder::check_call(const Callable& callable, const BuiltTask& task,
                            const std::string& subject) {
  std::vector<CallableCall> made;
  for (const TaskMember& member : task.members) {
    CallableCall call{.arguments = member.arguments, .call = calls_of(callable, member)};
    if (member.domain) {
      call.has_context = true;
      call.rank = member.rank;
      call.ranks = static_cast<int>(run_->domains[*member.domain]->request.devices.size());
    }
    made.push_back(call);
  }
  for (std::size_t i = 0; i < made.size() && callable.check; ++i) {
    const bool is_first =
        !made[i].has_context || i == 0 || task.members[i].domain != task.members.front().domain;
    if (!is_first) made[i].first = &made.front();
    try {
      callable.check(made[i]);
    } catch (const Error& error) {  // add the task, which the callable does not know
      throw UsageError(fmt::format("{}: {}", subject, error.what()));
    }
  }
  for (const TaskMember& member : task.members) ++calls_of(callable, member);
}

Task RunBuilder::add(BuiltTask task, std::span<const Touch> touches,
                     std::span<const std::size_t> after) {
  const std::size_t number = run_->graph.add(touches, after);
  run_->tasks.push_back(std::move(task));
  return {run_->id, number};
}

}  // namespace peal
