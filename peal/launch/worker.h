// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "peal/runtime/worker.h"

namespace peal {

struct WorkerOptions {
  std::string platform = "a2a3sim";  // a name of platform_names(), or the path of a .toml file
  std::vector<int> devices = {0};    // their numbers, of which reports speak
  bool checks = false;               // look for races and the like in every run
  std::string schedule = "virtual";  // as RunOptions::schedule
  double time_limit_seconds = 5;     // of a kernel between two instructions of the chip
  std::chrono::duration<double> timeout{300};  // of a wait for a run that has none of its own
};

// A worker for devices of that platform; it is new. On platform "shm" they are processes, which a
// process forks that is forked here: this one may have a single thread only. Throws Error for a
// platform that there is not, devices that make no sense, and options that only a simulation has.
[[nodiscard]] Worker open_worker(const WorkerOptions& options);

}  // namespace peal
