// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "peal/chip/core/core.h"
#include "peal/run/task.h"

namespace peal {

// What a chip program gets from the device that starts it.
struct ChipStart {
  std::span<const TaskArgument> arguments;
  int rank = 0, ranks = 1;
  std::vector<std::byte*> windows = {};  // of the domain, by rank; empty without a window
  std::size_t window_bytes = 0;
  std::int64_t first_task = 0;  // number, within the run, of the first task that it reports
  std::string name = {};        // of the task, for reports
  // Numbers of reported tasks that happen before: the device's last ones, and dependencies.
  std::vector<std::int64_t> after = {};
};

// One execution of a chip program on one device.
class ChipTask {
 public:
  virtual ~ChipTask() = default;
  // Called once on each core that the program takes; `index` is the core's index among them.
  virtual void work(Core& core, int index) = 0;
  // The number of tasks that this execution reports to the readers of events.
  [[nodiscard]] virtual std::size_t count() const = 0;
};

// A program written in the chip's instructions, for one or more cores of a device. cores() returns
// how many cores each device needs in a domain of `ranks` devices.
class ChipProgram : public TaskProgram {
 public:
  [[nodiscard]] virtual int cores(int ranks) const = 0;
  [[nodiscard]] virtual std::unique_ptr<ChipTask> start(const ChipStart& how) const = 0;
};

}  // namespace peal
