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

// The messages between the driver (the process of the worker) and the device processes. They lie in
// the arena, which all map at the same addresses, so they may contain pointers into it.

namespace peal {

// A counter that a process may sleep on, alone on its cache line.
struct alignas(cache_line_bytes) SharedWord {
  std::uint64_t value = 0;
  std::uint64_t stored = 0;  // stays 0: anybody may add to `value`, so there is no single writer
  std::uint32_t sleepers = 0;

  [[nodiscard]] WaitWord word() { return {value, sleepers, stored}; }
  [[nodiscard]] std::uint32_t load() {
    return static_cast<std::uint32_t>(std::atomic_ref(value).load());
  }
};

// A domain: devices that form a team for tasks. The array of their indexes follows it in memory.
struct alignas(cache_line_bytes) DomainControl {
  static constexpr int max_name = 64;
  char name[max_name] = {};  // of its window, for reports
  std::uint64_t window_offset = 0, window_bytes = 0;
  std::int32_t size = 0;
  AllocationChunk allocations;

  [[nodiscard]] static std::size_t bytes_of(std::size_t devices) {
    return sizeof(DomainControl) + devices * sizeof(std::int32_t);
  }
  // The index of each rank's device; `size` of them.
  [[nodiscard]] std::int32_t* devices() { return reinterpret_cast<std::int32_t*>(this + 1); }
};

// One device's part in a task. Pointers are into the arena.
struct TaskOrder {
  std::uint64_t run = 0;  // the run's number; a device drops its teams when it changes
  std::size_t program = 0;
  DomainControl* domain = nullptr;  // null for a task of this device alone
  std::int32_t rank = 0;
  std::int32_t arguments_count = 0;
  const TaskArgument* arguments = nullptr;
};
static_assert(std::is_trivially_copyable_v<TaskArgument>);

// The mailbox of one device. Tasks are numbered from 1, modulo 2^32, and a device has at most one,
// so plain members suffice between the two counters:
//   1. The driver writes `order` and adds 1 to `posted` (release).
//   2. The device waits until `posted` reaches the next number (acquire), reads `order`, runs the
//      task, writes `has_failed` and `failure`, stores the number in `done` (release), and adds 1
//      to DevicesControl::events, on which the driver sleeps.
//   3. The driver loads `done` (acquire), reads the result, and only then goes back to 1.
// So each side writes its members only while the other does not read them.
//
// `cancelled` ends a task early: the driver stores the task's number and wakes the device if it
// sleeps. The device compares it before each sleep. It may look just before the store and fall
// asleep just after the driver has looked for sleepers; that costs time only, since the driver
// repeats the cancellation until the task ends. A number that comes too late matches no task.
struct TaskMailbox {
  static constexpr std::size_t max_text = 4096;

  SharedWord posted;                         // the number of the last task given to the device
  TaskOrder order;                           // that task
  std::atomic<std::uint32_t> cancelled = 0;  // the task that the device is to leave

  // The last task that the device has ended.
  alignas(cache_line_bytes) std::atomic<std::uint32_t> done = 0;
  bool has_failed = false;      // whether that task failed
  char failure[max_text] = {};  // and how
};

// What the driver, the supervisor and the devices of a worker share, besides the arena's own
// control block. The mailboxes of the devices follow it in memory. All four words are counters.
struct alignas(cache_line_bytes) DevicesControl {
  static constexpr std::size_t max_text = 4096;

  SharedWord events;   // the driver's doorbell: a device has ended its task, or all have ended
  SharedWord stops;    // times that all devices have ended, one for each message `start`
  SharedWord ready;    // devices that run, since the last start
  SharedWord answers;  // messages `programs` that the supervisor has answered
  // The last answer, valid once it is counted: whether and why a program was refused.
  bool is_refused = false;
  char refusal[max_text] = {};
  const char* programs = nullptr;  // the text of the message `programs`: see pack_programs()
  std::uint64_t programs_bytes = 0;

  [[nodiscard]] static std::size_t bytes_of(std::size_t devices) {
    return sizeof(DevicesControl) + devices * sizeof(TaskMailbox);
  }
  [[nodiscard]] TaskMailbox& mailbox(int device) {
    return reinterpret_cast<TaskMailbox*>(this + 1)[device];
  }
};

}  // namespace peal
