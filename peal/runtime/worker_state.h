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

#include "peal/run/device_driver.h"
#include "peal/runtime/callable.h"

namespace peal {

class SubmittedRun;

// A reader of one run's events that says what is wrong with it.
class RunChecks : public EventReader {
 public:
  // A function of the host may have written these bytes.
  virtual void note_host_write(const View& view) = 0;
  // What comes from here on is of a task that has been left: it is not looked at.
  virtual void stop() = 0;
  // What was found, after the last event. `has_failed`: a task did.
  [[nodiscard]] virtual std::vector<std::string> findings(bool has_failed) = 0;
};

// What a worker is made from.
struct WorkerSettings {
  std::string platform;
  std::vector<int> devices;  // their numbers
  std::function<std::unique_ptr<DeviceDriver>(int devices)> make_driver;
  std::function<std::unique_ptr<RunChecks>()> make_checks = {};  // empty: without checks
  RunOptions options = {};
  std::chrono::duration<double> timeout{300};  // of a wait that has none of its own
};

// The places of devices by their numbers. Throws Error for numbers that make no sense.
[[nodiscard]] std::map<int, int> indexes_of(const std::vector<int>& devices);

enum class WorkerPhase : std::uint8_t { fresh, starting, ready, failed, closed };

[[nodiscard]] const char* name(WorkerPhase phase);

// What a worker and its handles share.
struct WorkerState {
  explicit WorkerState(WorkerSettings given);

  // Throws Error unless the worker is ready and no function of its own calls it.
  void check_ready(const char* what) const;
  // The place among the worker's of a device; throws Error with those that it has.
  [[nodiscard]] int index_of(int device, const std::string& subject) const;
  // The number of the device in that place.
  [[nodiscard]] int number_of(int index) const {
    return settings.devices[static_cast<std::size_t>(index)];
  }
  // Carries out the runs up to this one, in their order; false when the deadline passes before.
  bool advance(const SubmittedRun& last, std::chrono::steady_clock::time_point deadline);

  std::uint64_t id;  // of no other worker of this process
  WorkerSettings settings;
  WorkerPhase phase = WorkerPhase::fresh;
  std::map<int, int> indexes;  // of the devices, by their numbers
  std::unique_ptr<DeviceDriver> driver;
  std::deque<Callable> callables;  // where they are is known to runs
  std::deque<std::shared_ptr<SubmittedRun>> in_flight;
  std::uint64_t runs = 0;  // submitted so far
  bool is_busy = false;    // a function of the user's runs

  // Says so as long as it lives.
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
