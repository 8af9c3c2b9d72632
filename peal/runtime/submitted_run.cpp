// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/submitted_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <set>

#include "peal/base/error.h"
#include "peal/runtime/window_marks.h"

// The first half of SubmittedRun: how a run is made, that is, what arguments its tasks get and what
// they wait for.

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

SubmittedRun::SubmittedRun(WorkerState& worker, std::uint64_t number)
    : worker_(worker), id_(++runs), dispatcher_(worker.settings.devices.size()) {
  report_.run = number;
  report_.platform = worker.settings.platform;
  report_.devices = worker.settings.devices;
}

SubmittedRun::~SubmittedRun() {
  if (phase_ != Phase::ended) close();
}

std::shared_ptr<DomainState> SubmittedRun::allocate_domain(const DomainRequest& request) {
  std::vector<std::size_t> offsets = carve_window(request);
  auto state = std::make_shared<DomainState>();
  state->worker = worker_.id;
  state->run = id_;
  state->request = request;
  state->index = domains_.size();
  state->offsets = std::move(offsets);
  const std::string subject = fmt::format("domain `{}`", request.name);
  for (int device : request.devices) {
    state->device_indexes.push_back(worker_.index_of(device, subject));
  }
  for (const std::shared_ptr<DomainState>& other : domains_) {
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
  domains_.push_back(state);
  return state;
}

Task SubmittedRun::submit(const Callable& callable, const std::vector<int>& devices,
                          const std::vector<Args>& args) {
  const std::string& label =
      args.empty() || args.front().name().empty() ? callable.name : args.front().name();
  const std::string subject = fmt::format("task {} `{}`", entries_.size(), label);
  if (devices.empty()) {
    throw UsageError(fmt::format("{}: no devices are given; name at least one", subject));
  }
  if (args.size() != devices.size()) {
    throw UsageError(fmt::format("{}: {} devices and arguments for {}; give each device its own",
                                 subject, devices.size(), args.size()));
  }
  Entry entry;
  entry.callable = &callable;
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
    entry.devices.push_back(worker_.index_of(devices[member], subject));
    Collected to{entry, touches, after, subject};
    collect(args[member], entry.devices.back(), to);
  }
  check_apart(entry, subject);
  check_call(callable, entry, subject);
  if (const auto domain = entry.members.front().domain) {
    mark_windows(entry.members, domains_[*domain]->request.devices.size());
  }
  return add(std::move(entry), touches, after, label);
}

Task SubmittedRun::submit_host(HostFunction function, const Args& args, const std::string& name) {
  const std::string& label = args.name().empty() ? name : args.name();
  const std::string subject = fmt::format("task {} `{}`", entries_.size(), label);
  if (!function) throw UsageError(fmt::format("{}: the function is empty; give one", subject));
  Entry entry;
  entry.function = std::move(function);
  std::vector<Touch> touches;
  std::vector<std::size_t> after;
  Collected to{entry, touches, after, subject};
  collect(args, std::nullopt, to);
  return add(std::move(entry), touches, after, label);
}

// Resolves the arguments of one member of a task: one device's, or the host's without a device.
void SubmittedRun::collect(const Args& args, std::optional<int> device, Collected& to) {
  TaskMember member{.device = device.value_or(0)};
  if (args.contexts() > 1) {
    throw UsageError(fmt::format("{}: {} contexts are given; a task has one domain at most",
                                 to.subject, args.contexts()));
  }
  if (args.context()) {
    const std::shared_ptr<DomainState>& domain = args.context()->domain();
    if (domain->run != id_ || !domain->released.empty()) {
      throw UsageError(fmt::format("{}: domain `{}` {}; allocate one in this run", to.subject,
                                   domain->request.name,
                                   domain->run != id_ ? "is another run's" : domain->released));
    }
    if (device && args.context()->device() != worker_.number_of(*device)) {
      throw UsageError(fmt::format(
          "{}: the context is device {}'s in domain `{}`, and the task runs on "
          "device {}; give that one's",
          to.subject, args.context()->device(), domain->request.name, worker_.number_of(*device)));
    }
    member.domain = domain->index;
    member.rank = args.context()->rank();
    to.entry.domains.push_back(domain);
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
    if (task.run() != id_) {
      throw UsageError(
          fmt::format("{}: it is to wait for task {} of another run; runs take effect in "
                      "the order of their submission anyway, so leave it away",
                      to.subject, task.number()));
    }
    to.after.push_back(task.number());
  }
  to.entry.members.push_back(std::move(member));
}

TaskArgument SubmittedRun::resolve(const Args::Entry& given, std::size_t index,
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
  to.entry.staged.push_back({.host = array.view().data,
                             .device = argument.view.data,
                             .size_bytes = array.view().size_bytes(),
                             .writes = given.direction != TaskDirection::input,
                             .only_changes = given.direction == TaskDirection::no_dep});
  return argument;
}

void SubmittedRun::use(const std::shared_ptr<BufferMemory>& memory, const std::string& subject) {
  if (memory->worker != worker_.id) {
    throw UsageError(fmt::format("{}, `{}`, is a buffer of another worker; use this one's", subject,
                                 memory->name));
  }
  if (!memory->gone.empty()) {
    throw UsageError(fmt::format("{}, `{}`, {}; use it before, or another one", subject,
                                 memory->name, memory->gone));
  }
  if (used_.emplace(memory.get(), memory).second) ++memory->runs;
}

// Returns where the copy of an array in host memory lies on the device; allocates it on first use.
std::byte* SubmittedRun::stage(const View& view, int device) {
  const auto [entry, is_new] =
      stages_.try_emplace({view.data, view.size_bytes(), device}, DeviceMemory{});
  if (is_new) {
    try {
      entry->second = worker_.driver->allocate({.name = "copy of host memory",
                                                .devices = {device},
                                                .size_bytes = view.size_bytes(),
                                                .kind = RegionKind::inout});
    } catch (...) {
      stages_.erase(entry);
      throw;
    }
  }
  return entry->second.on(device);
}

namespace {

// A range of host memory that a device of the group has a copy of.
struct HostPart {
  const std::byte *begin, *end;
  int device;
  bool writes;
};

// A sweep over parts in the order of their beginnings. Of the parts so far, keeps the one with the
// greatest end (all_), and the one with the greatest end among those of other devices than all_'s
// (other_). One of the two is the furthest part of a device other than any given one, and since all
// begin earlier, a new part overlaps some part of another device if and only if it begins before
// the end of that furthest one.
class Furthest {
 public:
  void add(const HostPart& part) {
    if (all_ == nullptr || part.end > all_->end) {
      if (all_ != nullptr && all_->device != part.device) other_ = all_;
      all_ = &part;
    } else if (part.device != all_->device && (other_ == nullptr || part.end > other_->end)) {
      other_ = &part;
    }
  }
  // A part of another device that `part` overlaps, or null.
  [[nodiscard]] const HostPart* met_by(const HostPart& part) const {
    const HostPart* const met = all_ == nullptr || all_->device != part.device ? all_ : other_;
    return met != nullptr && part.begin < met->end ? met : nullptr;
  }

 private:
  const HostPart* all_ = nullptr;
  const HostPart* other_ = nullptr;
};

}  // namespace

// Throws Error if copies of host memory would conflict. The members of a group run concurrently, so
// memory that one member writes must not be used by another one. And two copies on one device that
// are both written back must not overlap in part: the second would overwrite the first one's result
// with old bytes. Equal ranges are fine, because they share one copy.
void SubmittedRun::check_apart(const Entry& entry, const std::string& subject) const {
  if (entry.staged.size() < 2) return;
  std::vector<HostPart> parts;
  std::size_t next = 0;
  for (const TaskMember& member : entry.members) {
    for (const TaskArgument& argument : member.arguments) {
      if (next == entry.staged.size() || argument.view.data != entry.staged[next].device) continue;
      const Staged& staged = entry.staged[next++];
      if (staged.only_changes) continue;
      parts.push_back({staged.host, staged.host + staged.size_bytes, member.device, staged.writes});
    }
  }
  std::sort(parts.begin(), parts.end(), [](const HostPart& a, const HostPart& b) {
    return std::tie(a.begin, a.end, a.device) < std::tie(b.begin, b.end, b.device);
  });
  Furthest readers, writers;
  std::map<int, const HostPart*> written;  // by device: the written part with the greatest end
  for (const HostPart& part : parts) {
    const HostPart* other = writers.met_by(part);
    if (other == nullptr && part.writes) other = readers.met_by(part);
    if (other != nullptr) {
      throw UsageError(
          fmt::format("{}: its members on devices {} and {} use the same memory of the host, "
                      "and one writes it; give each its own",
                      subject, worker_.number_of(other->device), worker_.number_of(part.device)));
    }
    (part.writes ? writers : readers).add(part);
    if (!part.writes) continue;
    const HostPart*& own = written[part.device];
    if (own != nullptr && part.begin < own->end &&
        (part.begin != own->begin || part.end != own->end)) {
      throw UsageError(
          fmt::format("{}: device {} is to write two arrays of host memory that overlap in "
                      "part; give them as one, or apart",
                      subject, worker_.number_of(part.device)));
    }
    if (own == nullptr || part.end > own->end) own = &part;
  }
}

// The number of earlier calls of the callable by this member's device, in its domain or without
// one.
std::int64_t& SubmittedRun::calls_of(const Callable& callable, const TaskMember& member) {
  return calls_[{callable.program.get(), member.domain.value_or(SIZE_MAX), member.device}];
}

void SubmittedRun::check_call(const Callable& callable, const Entry& entry,
                              const std::string& subject) {
  std::vector<CallableCall> made;
  for (const TaskMember& member : entry.members) {
    CallableCall call{.arguments = member.arguments, .call = calls_of(callable, member)};
    if (member.domain) {
      call.has_context = true;
      call.rank = member.rank;
      call.ranks = static_cast<int>(domains_[*member.domain]->request.devices.size());
    }
    made.push_back(call);
  }
  for (std::size_t i = 0; i < made.size() && callable.check; ++i) {
    const bool is_first =
        !made[i].has_context || i == 0 || entry.members[i].domain != entry.members.front().domain;
    if (!is_first) made[i].first = &made.front();
    try {
      callable.check(made[i]);
    } catch (const Error& error) {  // add the task, which the callable does not know
      throw UsageError(fmt::format("{}: {}", subject, error.what()));
    }
  }
  for (const TaskMember& member : entry.members) ++calls_of(callable, member);
}

Task SubmittedRun::add(Entry entry, std::span<const Touch> touches,
                       std::span<const std::size_t> after, std::string name) {
  TaskRecord record{.name = std::move(name), .devices = {}};
  for (int device : entry.devices) {
    record.devices.push_back(worker_.number_of(device));
  }
  const std::size_t number = graph_.add(touches, after);
  entries_.push_back(std::move(entry));
  report_.tasks.push_back(std::move(record));
  return {id_, number};
}

}  // namespace peal
