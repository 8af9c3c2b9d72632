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

struct NamedRecipe {
  std::string name;
  DeviceProgram::Recipe recipe;
};

// Recipes as text, for the keeper.
[[nodiscard]] std::string pack_programs(const std::vector<NamedRecipe>& programs);

// What the process that drives devices asks their keeper for.
enum class KeeperMessage : char { programs = 'p', start = 's', stop = 'e', quit = 'q' };

// The process that starts the devices of a worker and watches them.
class DeviceKeeper {
 public:
  // `socket` is where its messages come from; `numbers` are what reports call the devices.
  DeviceKeeper(const ShmArena& arena, DevicesControl& control, const std::vector<int>& numbers,
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
