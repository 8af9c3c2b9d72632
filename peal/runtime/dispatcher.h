// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <queue>
#include <span>
#include <unordered_map>
#include <vector>

namespace peal {

// Decides which of the ready tasks start: each device takes one at a time, those submitted first
// before others. A task on several devices starts when it is the first one on all of them and they
// have nothing else, so that two such tasks never hold a part of their devices each.
class Dispatcher {
 public:
  explicit Dispatcher(std::size_t devices) : devices_(devices) {}

  // A task that is ready, by its number; the devices have to stay where they are until it starts.
  void add(std::size_t task, std::span<const int> devices);
  // The task that these devices had has ended.
  void release(std::span<const int> devices);
  // A task that starts now on all its devices, or nothing.
  [[nodiscard]] std::optional<std::size_t> next();

 private:
  struct Device {
    std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
    bool is_busy = false;
  };
  [[nodiscard]] bool can_start(std::size_t task) const;

  std::vector<Device> devices_;
  std::unordered_map<std::size_t, std::span<const int>> tasks_;  // that have not started
  std::vector<int> changed_;  // devices whose first task may be able to start
};

}  // namespace peal
