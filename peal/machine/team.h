// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "peal/base/api.h"
#include "peal/machine/device.h"

namespace PEAL_API peal {

struct Platform;

// One rank's membership in a group of ranks that make the same collective calls in the same order,
// like a communicator of MPI.
class Team {
 public:
  // State that a layer above attaches to a team, from call to call: see state().
  struct State {
    virtual ~State() = default;
  };
  // Who attaches state: peal/collectives, and the kernels of a worker's tasks (peal/runtime).
  enum class StateOwner : std::uint8_t { collectives, kernels };

  Team(Device& device, const Platform& platform) : device_(&device), platform_(&platform) {}
  // A team that owns its device.
  Team(std::unique_ptr<Device> device, const Platform& platform)
      : owned_(std::move(device)), device_(owned_.get()), platform_(&platform) {}
  virtual ~Team() = default;
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  [[nodiscard]] int rank() const { return device_->rank(); }
  [[nodiscard]] int size() const { return device_->ranks(); }
  [[nodiscard]] Device& device() { return *device_; }
  [[nodiscard]] const Platform& platform() const { return *platform_; }

  // Symmetric memory of `count` elements on every rank; zero at first. Every rank makes the same
  // allocations in the same order.
  [[nodiscard]] View allocate(std::size_t count, DType dtype) {
    return device_->allocate("buffer", count * size_bytes(dtype)).view(0, count, dtype);
  }

  // The same as elements of a C++ type.
  template <class T>
  [[nodiscard]] std::span<T> allocate(std::size_t count) {
    const View view = allocate(count, DTypeOf<T>::value);
    return {reinterpret_cast<T*>(view.data), count};
  }

  // Divides the team, as MPI_Comm_split does: returns the new team of the ranks that give the same
  // color, in order of key, then of rank; null for a negative color. Collective: every rank of this
  // team makes the same splits, and the call returns when all have made it. This team must outlive
  // the new one. Throws Error if the team is broken.
  [[nodiscard]] std::unique_ptr<Team> split(int color, int key = 0,
                                            SourcePlace place = SourcePlace::here());

  // Marks the team as broken, after a call on it has failed half-way. Every later call throws.
  void abort() { broken_ = true; }
  [[nodiscard]] bool broken() const { return broken_; }

  // Counts a task that this rank begins. Which buffers lie in windows depends on the task's
  // arguments, so what was cached about them is valid for one task.
  void begin_task() { ++tasks_; }
  // The number of tasks that this rank has begun.
  [[nodiscard]] std::uint64_t tasks() const { return tasks_; }

  // The state of that owner, who alone uses it; null at first.
  [[nodiscard]] std::unique_ptr<State>& state(StateOwner owner) {
    return states_[static_cast<std::size_t>(owner)];
  }

 protected:
  // For teams that own what their device needs. Sub-teams and what was derived from device() stay
  // valid; a team that was moved from can only be destroyed or assigned to.
  Team(Team&&) noexcept = default;
  Team& operator=(Team&&) noexcept = default;

 private:
  std::unique_ptr<Device> owned_;
  Device* device_;
  const Platform* platform_;
  bool broken_ = false;
  std::uint64_t tasks_ = 0;
  std::array<std::unique_ptr<State>, 2> states_;  // by StateOwner
};

}  // namespace peal
