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

// The processes of a worker's devices, as the process that drives them sees them. They are forked
// by another one, their supervisor, which is forked here while this process has one thread only:
// what locks hold, a process that is forked while others run finds in whatever state they were. The
// supervisor watches the devices; when one ends, it ends the others. When this process ends, so do
// all.
class DeviceProcesses {
 public:
  // Throws Error when there are too many devices, when this process has several threads, or when
  // the system refuses. `numbers` are what reports call the devices.
  DeviceProcesses(std::vector<int> numbers, Platform platform);
  ~DeviceProcesses();
  DeviceProcesses(const DeviceProcesses&) = delete;
  DeviceProcesses& operator=(const DeviceProcesses&) = delete;

  [[nodiscard]] const ShmArena& arena() const { return arena_; }
  [[nodiscard]] DevicesControl& control() const { return *control_; }
  [[nodiscard]] const std::vector<int>& numbers() const { return numbers_; }
  [[nodiscard]] const Platform& platform() const { return platform_; }
  // Where in every part the memory of devices ends, and what they allocate themselves begins.
  [[nodiscard]] std::size_t memory_bytes() const { return arena_.part_bytes() / 2; }

  // Makes programs known to the devices that are started from then on; they are what
  // pack_programs() returns, in memory of the arena. Throws Error for a program that the devices
  // could not run.
  void add_programs(std::string_view packed);

  // Starts the devices, unless they run; whether it has.
  bool start();
  // Ends them, whatever they do.
  void stop();
  // How a device has ended by itself, and the others with it; nothing as long as none has.
  [[nodiscard]] std::optional<std::string> end();
  // The same without looking after the supervisor, which costs nothing.
  [[nodiscard]] bool have_failed() const { return arena_.control().broken.load() != 0; }
  // What devices have allocated is gone, and zero again.
  void forget_allocations() { arena_.restart_symmetric(symmetric_begin_); }

 private:
  void send(SupervisorMessage message) const;
  void end_supervisor() const;
  [[nodiscard]] bool supervisor_lives() const;
  // Whether it comes; it does not when the supervisor or a device has ended.
  [[nodiscard]] bool wait_for_ack(SharedWord& word, std::uint32_t target) const;
  [[nodiscard]] std::string end_of_supervisor() const;

  std::vector<int> numbers_;
  Platform platform_;
  ShmArena arena_;
  DevicesControl* control_;
  std::size_t symmetric_begin_ = 0;
  pid_t supervisor_ = -1;
  int handle_ = -1;  // a pidfd of it
  int socket_ = -1;  // to it
  bool started_ = false;
  std::uint32_t stops_ = 0;
  std::uint32_t answers_ = 0;
};

}  // namespace peal
