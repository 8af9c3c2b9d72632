// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "peal/pto/load/loaded_object.h"
#include "peal/run/core_type.h"

namespace peal {

// A PTO kernel in this process: a shared object whose `kernel_entry` is called on the fiber of a
// simulated core, and whose instructions are those of the core that is running.
class PtoKernel {
 public:
  // Compiles (or finds in the cache) and loads the source, for that type of core; throws Error when
  // it does not compile or has no kernel_entry.
  PtoKernel(const std::string& source, const std::vector<std::string>& include_folders,
            CoreType core = CoreType::aiv);

  void run(std::int64_t* args) const { entry_(args); }

 private:
  LoadedObject object_;
  void (*entry_)(std::int64_t*) = nullptr;
};

// Which block of how many the running core is, asked for by get_block_idx and get_block_num, and
// what it is for.
struct PtoBlock {
  int index = 0;
  int count = 1;
  CoreType core{};
};
void set_pto_block(int core, PtoBlock block);

// Memory outside of the simulated one that kernels of this thread may read and write while it
// lives, such as their arguments.
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
