// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/worker_state.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <atomic>

#include "peal/base/error.h"
#include "peal/runtime/run_execution.h"

namespace peal {
namespace {

std::atomic<std::uint64_t> workers = 0;

}  // namespace

const char* name(WorkerPhase phase) {
  constexpr const char* names[] = {"new", "starting", "ready", "failed", "closed"};
  return names[static_cast<std::size_t>(phase)];
}

std::map<int, int> indexes_of(const std::vector<int>& devices) {
  if (devices.empty()) {
    throw UsageError("worker: no devices are given; name at least one, such as .devices = {0}");
  }
  std::map<int, int> indexes;
  for (int device : devices) {
    if (device < 0) {
      throw UsageError(
          fmt::format("worker: device {} is negative; devices are numbered from 0", device));
    }
    if (!indexes.emplace(device, static_cast<int>(indexes.size())).second) {
      throw UsageError(
          fmt::format("worker: device {} is given twice; name each device once", device));
    }
  }
  return indexes;
}

WorkerState::WorkerState(WorkerSettings given)
    : id(++workers), settings(std::move(given)), indexes(indexes_of(settings.devices)) {}

void WorkerState::check_ready(const char* what) const {
  if (is_busy) {
    throw UsageError(
        fmt::format("{}: a function that the worker runs cannot use the worker itself; do "
                    "it before or after the run",
                    what));
  }
  if (phase == WorkerPhase::ready) return;
  static constexpr const char* ways_out[] = {"call start() first", "wait until it has started", "",
                                             "open a new one", "open a new one"};
  throw UsageError(fmt::format("{}: the worker is {}; {}", what, name(phase),
                               ways_out[static_cast<std::size_t>(phase)]));
}

int WorkerState::index_of(int device, const std::string& subject) const {
  const auto found = indexes.find(device);
  if (found != indexes.end()) return found->second;
  throw UsageError(fmt::format("{}: device {} is not one of the worker's; its devices are {}",
                               subject, device, fmt::join(settings.devices, ", ")));
}

bool WorkerState::advance(const RunExecution& last,
                          std::chrono::steady_clock::time_point deadline) {
  while (!last.has_ended()) {
    const std::shared_ptr<RunExecution> next = in_flight.front();
    const Busy busy(*this);
    if (!next->advance(deadline)) return false;
    in_flight.pop_front();
  }
  return true;
}

}  // namespace peal
