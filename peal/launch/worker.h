// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "peal/base/api.h"
#include "peal/runtime/worker.h"

namespace PEAL_API peal {

// How a worker is opened. `checks` and `schedule` are for simulated platforms only.
struct WorkerOptions {
  std::string platform = "a2a3sim";  // a name of platform_names(), or the path of a .toml file
  std::vector<int> devices = {0};    // their numbers, which reports name
  bool checks = false;               // check every run for races and the like
  std::string schedule = "virtual";  // as RunOptions::schedule
  double time_limit_seconds = 5;     // processor time between two instructions of the chip
  std::chrono::duration<double> timeout{300};  // default for waiting for a run
};

// Opens a worker for devices of that platform. On platform "shm" the devices are processes of a
// supervisor, which is forked here, so this process must have a single thread: a fork among several
// threads may copy locks that are held. Throws Error for an unknown platform, invalid devices, and
// options that only a simulation has.
[[nodiscard]] Worker open_worker(const WorkerOptions& options);

}  // namespace peal
