// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "peal/chip/core.h"
#include "peal/run/task.h"

namespace peal {

// What a chip program finds on the device that it is started on.
struct ChipStart {
  std::span<const TaskArgument> arguments;
  int rank = 0, ranks = 1;
  std::vector<std::byte*> windows = {};  // of the domain, by rank; empty without one
  std::size_t window_bytes = 0;
  std::int64_t first_task = 0;  // number in the run of the first task that it reports
  std::string name = {};        // of the task that it carries out, for reports
  // Reported tasks that have ended on this device before, or that it waits for.
  std::vector<std::int64_t> after = {};
};

// One device's run of a chip program.
class ChipTask {
 public:
  virtual ~ChipTask() = default;
  // Called on each of the cores that it takes; `index` among them.
  virtual void work(Core& core, int index) = 0;
  // How many tasks it reports to the readers of events.
  [[nodiscard]] virtual std::size_t count() const = 0;
};

// A program in instructions of the chip, for one or more cores of a device.
class ChipProgram : public TaskProgram {
 public:
  [[nodiscard]] virtual int cores(int ranks) const = 0;
  [[nodiscard]] virtual std::unique_ptr<ChipTask> start(const ChipStart& how) const = 0;
};

}  // namespace peal
