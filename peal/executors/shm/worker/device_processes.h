// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "peal/executors/shm/memory/arena.h"
#include "peal/executors/shm/worker/task_mailbox.h"
#include "peal/run/platform.h"

namespace peal {

enum class SupervisorMessage : char;

// The processes of a worker's devices, from the side of the driver's process: their arena, and the
// messages to their supervisor (device_supervisor.h), which forks and watches them. The constructor
// forks the supervisor. When one device ends, the supervisor kills the others; when the driver's
// process ends, the system kills the supervisor, and with it the devices.
class DeviceProcesses {
 public:
  // `numbers` are the devices' names in reports. Throws Error if there are too many devices, if
  // this process has more than one thread, or if the system refuses.
  DeviceProcesses(std::vector<int> numbers, Platform platform);
  ~DeviceProcesses();
  DeviceProcesses(const DeviceProcesses&) = delete;
  DeviceProcesses& operator=(const DeviceProcesses&) = delete;

  [[nodiscard]] const ShmArena& arena() const { return arena_; }
  [[nodiscard]] DevicesControl& control() const { return *control_; }
  [[nodiscard]] const std::vector<int>& numbers() const { return numbers_; }
  [[nodiscard]] const Platform& platform() const { return platform_; }
  // Every part is divided at this offset: below is device memory, which the driver allocates; above
  // are symmetric allocations.
  [[nodiscard]] std::size_t memory_bytes() const { return arena_.part_bytes() / 2; }

  // Makes programs known to all devices that are started later. `packed` is the result of
  // pack_programs(), in memory of the arena. Throws Error for a program that the devices could not
  // run, and RunError if the supervisor has ended.
  void add_programs(std::string_view packed);

  // Starts the devices. Returns false, and does nothing, if they run already.
  bool start();
  // Kills the devices and returns when they have ended.
  void stop();
  // If a device or the supervisor has ended by itself: stops the other devices and returns the text
  // of the failure. Otherwise nullopt.
  [[nodiscard]] std::optional<std::string> end();
  // True if a device has ended by itself. Costs one load, but does not notice a dead supervisor.
  [[nodiscard]] bool have_failed() const { return arena_.control().broken.load() != 0; }
  // Frees and zeroes all symmetric allocations of the devices. No device may run a task.
  void forget_allocations() { arena_.restart_symmetric(symmetric_begin_); }

 private:
  void send(SupervisorMessage message) const;
  void end_supervisor() const;
  [[nodiscard]] bool supervisor_lives() const;
  // Waits for a counter of DevicesControl to reach `target`. Returns false if the supervisor or a
  // device has ended before.
  [[nodiscard]] bool wait_for_ack(SharedWord& word, std::uint32_t target) const;
  [[nodiscard]] std::string end_of_supervisor() const;

  std::vector<int> numbers_;
  Platform platform_;
  ShmArena arena_;
  DevicesControl* control_;
  std::size_t symmetric_begin_ = 0;
  pid_t supervisor_ = -1;
  int handle_ = -1;  // the supervisor's pidfd
  int socket_ = -1;  // the socket to the supervisor
  bool started_ = false;
  std::uint32_t stops_ = 0;    // the expected value of DevicesControl::stops
  std::uint32_t answers_ = 0;  // the expected value of DevicesControl::answers
};

}  // namespace peal
