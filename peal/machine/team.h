// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <utility>

#include "peal/machine/device.h"

namespace peal {

struct Platform;

// One rank's membership in a group of ranks that make the same collective calls in the same order.
class Team {
 public:
  // What somebody above keeps with a team from call to call.
  struct State {
    virtual ~State() = default;
  };

  Team(Device& device, const Platform& platform) : device_(device), platform_(platform) {}
  // One that keeps its device.
  Team(std::unique_ptr<Device> device, const Platform& platform)
      : owned_(std::move(device)), device_(*owned_), platform_(platform) {}
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  [[nodiscard]] int rank() const { return device_.rank(); }
  [[nodiscard]] int size() const { return device_.ranks(); }
  [[nodiscard]] Device& device() { return device_; }
  [[nodiscard]] const Platform& platform() const { return platform_; }

  // Symmetric memory of `count` elements on every rank; zero at first. Every rank makes the same
  // allocations in the same order.
  [[nodiscard]] View allocate(std::size_t count, DType dtype) {
    return device_.allocate("buffer", count * size_bytes(dtype)).view(0, count, dtype);
  }

  // The same as elements of a C++ type.
  template <class T>
  [[nodiscard]] std::span<T> allocate(std::size_t count) {
    const View view = allocate(count, DTypeOf<T>::value);
    return {reinterpret_cast<T*>(view.data), count};
  }

  // The ranks that give the same color, as a team of their own, in the order of their keys, and of
  // one key in that of their ranks here; null for a negative color. Every rank of this team makes
  // the same splits, and is let go when all have come. This team has to outlive the new one.
  [[nodiscard]] std::unique_ptr<Team> split(int color, int key = 0,
                                            SourcePlace place = SourcePlace::here());

  // A team is broken once a call on it has failed half-way; every later call fails at once.
  void abort() { broken_ = true; }
  [[nodiscard]] bool broken() const { return broken_; }

  // Says that this rank begins with a task, by whose arguments it knows what lies in windows.
  void begin_task() { ++tasks_; }
  [[nodiscard]] std::uint64_t tasks() const { return tasks_; }

  // What the owner of the key keeps; empty at first.
  [[nodiscard]] std::unique_ptr<State>& state(const void* key) {
    if (key != last_key_) {
      last_state_ = &states_[key];
      last_key_ = key;
    }
    return *last_state_;
  }

 private:
  std::unique_ptr<Device> owned_;
  Device& device_;
  const Platform& platform_;
  bool broken_ = false;
  std::uint64_t tasks_ = 0;
  std::map<const void*, std::unique_ptr<State>> states_;
  const void* last_key_ = nullptr;  // most calls ask for the same one
  std::unique_ptr<State>* last_state_ = nullptr;
};

}  // namespace peal
