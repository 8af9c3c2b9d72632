// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "peal/base/api.h"
#include "peal/run/device_driver.h"

namespace PEAL_API peal {

struct WorkerState;

// An array argument in host memory, and its copy on the device. The copy is made before the task
// starts and written back after it has ended. A no_dep array may be written by others at the same
// time (only_changes): then only the bytes that the task has changed, compared with `before`, are
// written back.
struct StagedArray {
  std::byte* host = nullptr;
  std::byte* device = nullptr;
  std::size_t size_bytes = 0;
  bool writes = false;
  bool only_changes = false;
  std::vector<std::byte> before = {};
};

// Throws Error if copies of host memory would conflict: if a member of the task writes memory that
// another member uses, or if a device is to write two arrays back that overlap in part. `staged`
// has the arrays of all members in the order of their arguments.
void check_apart(std::span<const TaskMember> members, std::span<const StagedArray> staged,
                 const WorkerState& worker, const std::string& subject);

// Copies the arrays to their devices, before the task starts.
void copy_to_devices(std::span<StagedArray> staged);
// Copies what the task has written back to the host, after it has ended.
void write_back(std::span<const StagedArray> staged);

}  // namespace peal
