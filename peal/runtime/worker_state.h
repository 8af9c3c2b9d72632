// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "peal/base/api.h"
#include "peal/run/device_driver.h"
#include "peal/runtime/callable.h"

namespace PEAL_API peal {

class RunExecution;

// A checker: reads the events of one run and reports findings.
class RunChecks : public EventReader {
 public:
  // A host function may have written these bytes.
  virtual void note_host_write(const View& view) = 0;
  // A task has failed and was abandoned: events from here on are ignored.
  virtual void stop() = 0;
  // The findings, after the last event. `has_failed`: the run or one of its tasks has failed.
  [[nodiscard]] virtual std::vector<std::string> findings(bool has_failed) = 0;
};

// The configuration of a worker.
struct WorkerSettings {
  std::string platform;
  std::vector<int> devices;  // device numbers; a device's index is its place in this list
  std::function<std::unique_ptr<DeviceDriver>(int devices)> make_driver;
  std::function<std::unique_ptr<RunChecks>()> make_checks = {};  // empty: runs are not checked
  RunOptions options = {};
  std::chrono::duration<double> timeout{300};  // of waits that name no timeout
};

// The indexes of devices by their numbers. Throws Error if the list is empty or names a device
// twice, or a number is negative.
[[nodiscard]] std::map<int, int> indexes_of(const std::vector<int>& devices);

enum class WorkerPhase : std::uint8_t { fresh, starting, ready, failed, closed };

[[nodiscard]] const char* name(WorkerPhase phase);

// The state that a worker and its handles share.
struct WorkerState {
  explicit WorkerState(WorkerSettings given);

  // Throws Error unless the worker is ready and is not called from a function that it runs.
  void check_ready(const char* what) const;
  // The index of a device by its number; throws Error, with the worker's devices, if it has none.
  [[nodiscard]] int index_of(int device, const std::string& subject) const;
  // The number of the device with that index.
  [[nodiscard]] int number_of(int index) const {
    return settings.devices[static_cast<std::size_t>(index)];
  }
  // Carries out the runs up to and including `last`, in the order of submission. Returns true when
  // `last` has ended, false if the deadline passes before; a later call resumes then.
  bool advance(const RunExecution& last, std::chrono::steady_clock::time_point deadline);

  std::uint64_t id;  // unique in this process
  WorkerSettings settings;
  WorkerPhase phase = WorkerPhase::fresh;
  std::map<int, int> indexes;  // device index by device number
  std::unique_ptr<DeviceDriver> driver;
  std::deque<Callable> callables;  // runs keep pointers to them: a deque does not move them
  std::deque<std::shared_ptr<RunExecution>> in_flight;
  std::uint64_t runs = 0;  // number of runs submitted so far
  bool is_busy = false;    // true while the worker may be running a function of the user

  // Sets is_busy while it lives.
  class Busy {
   public:
    explicit Busy(WorkerState& worker) : worker_(worker) { worker_.is_busy = true; }
    ~Busy() { worker_.is_busy = false; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    WorkerState& worker_;
  };
};

}  // namespace peal
