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

struct NamedDescriptor {
  std::string name;
  ProgramDescriptor descriptor;
};

// Descriptors as text, for the supervisor.
[[nodiscard]] std::string pack_programs(const std::vector<NamedDescriptor>& programs);

// What the process that drives devices asks their supervisor for.
enum class SupervisorMessage : char { programs = 'p', start = 's', stop = 'e', quit = 'q' };

// The process that starts the devices of a worker and watches them.
class DeviceSupervisor {
 public:
  // `socket` is where its messages come from; `numbers` are what reports call the devices.
  DeviceSupervisor(const ShmArena& arena, DevicesControl& control, const std::vector<int>& numbers,
                   const Platform& platform, int socket)
      : arena_(arena), control_(control), numbers_(numbers), platform_(platform), socket_(socket) {}

  // Does what the messages say, until one says that it is to end.
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
