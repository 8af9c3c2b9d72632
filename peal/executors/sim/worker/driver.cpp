// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/worker/driver.h"

#include <fmt/format.h>

#include <utility>

#include "peal/base/error.h"
#include "peal/chip/chip_program.h"
#include "peal/executors/sim/worker/task_run.h"

namespace peal {

SimDriver::SimDriver(Platform platform, int devices, Guard guard)
    : platform_(std::move(platform)), guard_(std::move(guard)), heap_(devices) {}

SimDriver::~SimDriver() = default;

void SimDriver::add_program(const std::string& name, const TaskProgram& program) {
  if (dynamic_cast<const DeviceProgram*>(&program) != nullptr) return;
  if (dynamic_cast<const ChipProgram*>(&program) != nullptr) return;
  throw UsageError(
      fmt::format("callable `{}` is nothing that the simulator can run; give a kernel or a "
                  "collective",
                  name));
}

DeviceMemory SimDriver::allocate(const DeviceMemoryRequest& request) {
  const std::size_t offset = heap_.allocate(request);
  return {.id = offset,
          .first = heap_.map().base + offset,
          .stride = std::ptrdiff_t{1} << heap_.map().part_shift};
}

void SimDriver::free(const DeviceMemory& memory) { heap_.free(memory.id); }

void SimDriver::begin_run(RunSettings settings) {
  PEAL_CHECK(run_ == nullptr);
  run_ = std::make_unique<TaskRun>(TaskRun::Machine{.platform = platform_,
                                                    .stacks = stacks_,
                                                    .heap = heap_,
                                                    .on_chip = on_chip_,
                                                    .foreseen = foreseen_},
                                   std::move(settings));
}

void SimDriver::start(const DriverTask& task) { run_->start(task); }

std::optional<TaskEnd> SimDriver::wait_for_end(std::chrono::steady_clock::time_point deadline) {
  return run_->wait_for_end(deadline);
}

Picoseconds SimDriver::now() const { return run_->now(); }

void SimDriver::end_run() { run_.reset(); }

}  // namespace peal
