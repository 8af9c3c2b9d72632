// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "peal/pto/load/loaded_object.h"
#include "peal/run/core_type.h"

namespace peal {

// A PTO kernel, loaded into this process. Its `kernel_entry` runs on the fiber of a simulated core;
// the instructions that it issues act on the core that is running on this thread.
class PtoKernel {
 public:
  // Compiles (or finds in the cache) and loads the source for that type of core. Throws Error if it
  // does not compile, and MissingEntry if it has no kernel_entry.
  PtoKernel(const std::string& source, const std::vector<std::string>& include_folders,
            CoreType core = CoreType::aiv);

  // `args` has 64 slots, which RankTasks lays out.
  void run(std::int64_t* args) const { entry_(args); }

 private:
  LoadedObject object_;
  void (*entry_)(std::int64_t*) = nullptr;
};

// Registers memory of this process, outside simulated memory, that kernels of this thread may
// access while the object lives: their arguments and contexts. Ranges do not overlap.
class PtoArgument {
 public:
  PtoArgument(const void* data, std::size_t size_bytes);
  ~PtoArgument();
  PtoArgument(PtoArgument&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  PtoArgument& operator=(PtoArgument&&) = delete;

 private:
  const void* data_;
};

}  // namespace peal
