// SPDX-License-Identifier: Apache-2.0
#include "peal/launch/worker.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "peal/base/error.h"
#include "peal/checks/checker.h"
#include "peal/executors/shm/worker/device_processes.h"
#include "peal/executors/shm/worker/driver.h"
#include "peal/executors/sim/executor.h"
#include "peal/executors/sim/schedule/schedule.h"
#include "peal/executors/sim/worker/driver.h"
#include "peal/launch/launch.h"
#include "peal/launch/platforms.h"
#include "peal/pto/load/fault_guard.h"

namespace peal {
namespace {

// The checks of one run. They ignore all events after a failure.
class WorkerChecks final : public RunChecks {
 public:
  WorkerChecks(const Platform::Switches& switches, const std::vector<int>& devices)
      : name_of_([devices](int rank) {
          return fmt::format("device {}", devices[static_cast<std::size_t>(rank)]);
        }),
        checker_(switches, Checker::Memory::whole, name_of_) {}

  void read(const Event& event) override {
    if (!has_stopped_) checker_.read(event);
  }
  void note_host_write(const View& view) override {
    const auto begin = reinterpret_cast<std::uint64_t>(view.data);
    checker_.note_host_write(begin, begin + view.size_bytes());
  }
  void stop() override { has_stopped_ = true; }

  [[nodiscard]] std::vector<std::string> findings(bool has_failed) override {
    checker_.finish(has_failed ? Checker::RunEnd::failed : Checker::RunEnd::right);
    std::vector<std::string> result;
    for (const Finding& finding : checker_.findings().sorted()) {
      if (!is_advice(finding)) result.push_back(describe(finding, Quotation::none, name_of_));
    }
    return result;
  }

 private:
  RankNamer name_of_;  // a rank of the checks is the index of a device
  Checker checker_;
  bool has_stopped_ = false;
};

Worker open_simulated(const WorkerOptions& options) {
  Platform platform = simulated_target(options.platform, platform_names());
  if (options.devices.size() > static_cast<std::size_t>(SimExecutor::max_ranks)) {
    throw UsageError(fmt::format("worker: {} devices; the simulator takes 1 to {}",
                                 options.devices.size(), SimExecutor::max_ranks));
  }
  static_cast<void>(make_schedule(options.schedule));  // throws for an unknown one
  const Platform::Switches switches = platform.switches;
  WorkerSettings settings{
      .platform = options.platform,
      .devices = options.devices,
      .make_driver =
          [platform = std::move(platform), seconds = options.time_limit_seconds](int devices) {
            return std::make_unique<SimDriver>(
                platform, devices, [seconds] { return std::make_shared<FaultGuard>(seconds); });
          },
      .timeout = options.timeout};
  settings.options.schedule = options.schedule;
  if (options.checks) {
    settings.make_checks = [switches, devices = options.devices] {
      return std::make_unique<WorkerChecks>(switches, devices);
    };
  }
  return Worker(std::move(settings));
}

// Creates DeviceProcesses now, while this process has one thread; the devices' processes are forked
// in start().
Worker open_real(const WorkerOptions& options) {
  std::vector<std::string> names = platform_names();
  std::erase_if(names, [](const std::string& name) { return !is_simulated(name); });
  const std::string others = fmt::format("{}", fmt::join(names, ", "));
  if (options.checks) {
    throw UsageError(
        fmt::format("worker: platform {} runs for real, which has no events that checks could "
                    "read; leave the checks off, or use one of {}",
                    options.platform, others));
  }
  if (options.schedule != "virtual") {
    throw UsageError(
        fmt::format("worker: platform {} runs for real, where schedule `{}` cannot be chosen; "
                    "leave it away, or use one of {}",
                    options.platform, options.schedule, others));
  }
  static_cast<void>(indexes_of(options.devices));  // throws for invalid ones
  const auto processes = std::make_shared<DeviceProcesses>(options.devices, load_platform("host"));
  return Worker({.platform = options.platform,
                 .devices = options.devices,
                 .make_driver = [processes, others](
                                    int) { return std::make_unique<ShmDriver>(processes, others); },
                 .timeout = options.timeout});
}

}  // namespace

Worker open_worker(const WorkerOptions& options) {
  if (!(options.time_limit_seconds > 0)) {
    throw UsageError(
        fmt::format("worker: a time limit of {} s; give more than 0", options.time_limit_seconds));
  }
  return is_simulated(options.platform) ? open_simulated(options) : open_real(options);
}

}  // namespace peal
