// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "peal/base/alignment.h"
#include "peal/executors/shm/memory/arena.h"
#include "peal/executors/shm/wait/waiter.h"
#include "peal/run/task.h"

// What the process that drives devices and the processes of the devices say to each other, in
// memory that all have at the same addresses.

namespace peal {

// A word that somebody may sleep on, alone on its cache line.
struct alignas(cache_line_bytes) SharedWord {
  std::uint64_t value = 0;
  std::uint32_t sleepers = 0;

  [[nodiscard]] WaitWord word() { return {value, sleepers}; }
  [[nodiscard]] std::uint32_t load() {
    return static_cast<std::uint32_t>(std::atomic_ref(value).load());
  }
};

// The devices of a domain, whose indexes follow it.
struct alignas(cache_line_bytes) DomainControl {
  static constexpr int max_name = 64;
  char name[max_name] = {};  // of its window
  std::uint64_t window_offset = 0, window_bytes = 0;
  std::int32_t size = 0;
  AllocationChunk allocations;

  [[nodiscard]] static std::size_t bytes_of(std::size_t devices) {
    return sizeof(DomainControl) + devices * sizeof(std::int32_t);
  }
  // By rank.
  [[nodiscard]] std::int32_t* devices() { return reinterpret_cast<std::int32_t*>(this + 1); }
};

// What a device is to do.
struct TaskOrder {
  std::uint64_t run = 0;  // its number: what a device keeps for domains ends with the run
  std::size_t program = 0;
  DomainControl* domain = nullptr;  // null for a task of this device alone
  std::int32_t rank = 0;
  std::int32_t arguments_count = 0;
  const TaskArgument* arguments = nullptr;
};
static_assert(std::is_trivially_copyable_v<TaskArgument>);

// One device's. Tasks are numbered from 1 and modulo 2^32; a device has one at a time.
struct TaskMailbox {
  static constexpr std::size_t max_text = 4096;

  SharedWord posted;                         // the number of the last task that it has been given
  TaskOrder order;                           // that one
  std::atomic<std::uint32_t> cancelled = 0;  // the last task that it is to leave at its next wait

  alignas(cache_line_bytes) std::atomic<std::uint32_t> done = 0;  // the last task that it has ended
  bool has_failed = false;                                        // that one, with
  char failure[max_text] = {};
};

// What all processes of a worker share, besides what every arena has. The mailboxes of the devices
// follow it.
struct alignas(cache_line_bytes) DevicesControl {
  static constexpr std::size_t max_text = 4096;

  SharedWord events;   // ends of tasks and of devices
  SharedWord stops;    // how often all devices have ended
  SharedWord ready;    // devices that have been started
  SharedWord answers;  // to programs that were made known
  bool is_refused = false;
  char refusal[max_text] = {};
  const char* programs = nullptr;  // that are made known
  std::uint64_t programs_bytes = 0;

  [[nodiscard]] static std::size_t bytes_of(std::size_t devices) {
    return sizeof(DevicesControl) + devices * sizeof(TaskMailbox);
  }
  [[nodiscard]] TaskMailbox& mailbox(int device) {
    return reinterpret_cast<TaskMailbox*>(this + 1)[device];
  }
};

}  // namespace peal
