// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/graph/dispatcher.h"

#include <algorithm>

namespace peal {

void Dispatcher::add(std::size_t task, std::span<const int> devices) {
  tasks_.emplace(task, devices);
  for (int device : devices) {
    devices_[static_cast<std::size_t>(device)].ready.push(task);
    changed_.push_back(device);
  }
}

void Dispatcher::release(std::span<const int> devices) {
  for (int device : devices) {
    devices_[static_cast<std::size_t>(device)].is_busy = false;
    changed_.push_back(device);
  }
}

bool Dispatcher::can_start(std::size_t task) const {
  const std::span<const int> devices = tasks_.at(task);
  return std::all_of(devices.begin(), devices.end(), [&](int index) {
    const Device& device = devices_[static_cast<std::size_t>(index)];
    return !device.is_busy && device.ready.top() == task;
  });
}

// Only devices in `changed_` have to be looked at. A task becomes startable by one of two events:
// add() makes it ready, or release() makes the last of its busy devices idle; both put a device of
// the task into `changed_`. The third way to become first on a device, that the task before it
// starts, makes the device busy, so it takes a release() as well. A device is dropped from
// `changed_` when its first task cannot start; what that task waits for is one of these events.
std::optional<std::size_t> Dispatcher::next() {
  while (!changed_.empty()) {
    const Device& changed = devices_[static_cast<std::size_t>(changed_.back())];
    changed_.pop_back();
    if (changed.is_busy || changed.ready.empty() || !can_start(changed.ready.top())) continue;
    const std::size_t task = changed.ready.top();
    for (int index : tasks_.at(task)) {
      Device& device = devices_[static_cast<std::size_t>(index)];
      device.ready.pop();
      device.is_busy = true;
    }
    tasks_.erase(task);
    return task;
  }
  return std::nullopt;
}

}  // namespace peal
