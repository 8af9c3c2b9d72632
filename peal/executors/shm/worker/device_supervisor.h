// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "peal/executors/shm/worker/device_process.h"
#include "peal/executors/shm/worker/task_mailbox.h"
#include "peal/run/platform.h"
#include "peal/run/task.h"

namespace peal {

// A program and the name that it is known by in reports.
struct NamedDescriptor {
  std::string name;
  ProgramDescriptor descriptor;
};

// Serializes descriptors for the supervisor. Functions are passed as addresses, which are the same
// in the supervisor, a fork of this process; each with the name of the object file it lies in, so
// that the supervisor can tell whether it has that file.
[[nodiscard]] std::string pack_programs(const std::vector<NamedDescriptor>& programs);

// The driver's messages to the supervisor, one byte each. `programs`: read DevicesControl::programs
// and answer. `start`: fork all devices. `stop`: kill them. `quit`: kill them and exit.
enum class SupervisorMessage : char { programs = 'p', start = 's', stop = 'e', quit = 'q' };

// The process between the driver and the devices of a worker. It exists because the driver may have
// started threads by the time that devices must be forked anew, and a fork of a process with
// threads may inherit locks that nobody will release. The supervisor is forked while the driver has
// one thread, never starts another, and forks all devices.
//
// The supervisor reads its messages in order, and handles one at a time; `start` lasts until all
// devices have ended. While they run, it polls their pidfds and the socket. A byte in the socket,
// or its closing, makes it kill the devices; it does not consume the byte, which work() reads next.
// A `stop` may thus arrive when the devices have already died: then work() reads and ignores it,
// before the next `start`, which it cannot overtake. Each `start` adds exactly one to
// DevicesControl::stops, however the devices ended.
class DeviceSupervisor {
 public:
  // `socket` delivers the messages; `numbers` are the devices' names in reports. All references
  // must outlive this object.
  DeviceSupervisor(const ShmArena& arena, DevicesControl& control, const std::vector<int>& numbers,
                   const Platform& platform, int socket)
      : arena_(arena), control_(control), numbers_(numbers), platform_(platform), socket_(socket) {}

  // Handles messages until `quit`, or until the driver has closed its end of the socket.
  void work();

 private:
  void add_programs(std::string_view packed);
  void run_devices();

  const ShmArena& arena_;
  DevicesControl& control_;
  const std::vector<int>& numbers_;
  const Platform& platform_;
  int socket_;
  DeviceProcess::Programs programs_;
};

}  // namespace peal
