// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <queue>
#include <span>
#include <unordered_map>
#include <vector>

#include "peal/base/api.h"

namespace PEAL_API peal {

// Decides which ready task starts next. A device runs one task at a time, and takes its ready tasks
// in the order of submission. A task on several devices (a group) starts on all of them at once,
// when it is the first ready task of each and all are idle.
//
// This cannot deadlock. A task acquires all its devices in one step, so no task holds some devices
// while it waits for others. And the lowest-numbered of all ready tasks is first on each of its
// devices, so it starts as soon as the tasks that run there have ended. The price is that a device
// may stay idle while it waits for the other devices of a group.
class Dispatcher {
 public:
  explicit Dispatcher(std::size_t devices) : devices_(devices) {}

  // Adds a task that is ready, by its number in the order of submission. `devices` is not copied:
  // its memory must stay valid until the task starts.
  void add(std::size_t task, std::span<const int> devices);
  // The task that ran on these devices has ended.
  void release(std::span<const int> devices);
  // Returns a task that can start and marks its devices busy; nothing if none can start now.
  [[nodiscard]] std::optional<std::size_t> next();

 private:
  struct Device {
    std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
    bool is_busy = false;
  };
  [[nodiscard]] bool can_start(std::size_t task) const;

  std::vector<Device> devices_;
  std::unordered_map<std::size_t, std::span<const int>> tasks_;  // ready, not started
  // Devices to look at again; see next(). May hold duplicates.
  std::vector<int> changed_;
};

}  // namespace peal
