// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "peal/pto/include/tensor.h"
#include "peal/pto/isa/abi.h"
#include "peal/pto/load/loaded_object.h"
#include "peal/run/core_type.h"
#include "peal/run/task.h"

namespace peal {

// A task that a shim has submitted, in the order of submission.
struct PtoTask {
  int kernel = 0;   // the id of a kernel of the case
  CoreType core{};  // the type of core that the shim submitted it for
  std::vector<ChipTensor> tensors;
  std::vector<TaskDirection> directions;
  std::vector<std::uint64_t> scalars;
  std::vector<std::size_t> after;  // indexes of earlier tasks that it depends on
};

// A loaded orchestration shim. Its function `<name>_config` returns the number of arguments that it
// expects; `<name>` submits the tasks of one chip.
class PtoShim {
 public:
  // Compiles (or finds in the cache) and loads the source. Throws Error if a symbol is missing.
  PtoShim(const std::string& source, const std::string& name,
          const std::vector<std::string>& include_folders);

  // Calls the shim and returns the tasks that it submits, each with its dependences: the earlier
  // tasks that write what it reads or updates. Throws Error if the shim expects another number of
  // arguments, is given more than a chip takes (256 tensors, 128 scalars), or submits a task with
  // more than a core takes (32 tensors, 16 scalars); RunError if it crashes. Needs a FaultGuard.
  [[nodiscard]] std::vector<PtoTask> run(std::span<const ChipTensor> tensors,
                                         std::span<const std::uint64_t> scalars) const;

 private:
  void run(const std::function<void()>& call) const;

  std::string source_, name_;
  LoadedObject object_;
};

// The table's functions for shims: `submit` and `shim_fail` of pto_abi::Host.
void submit_pto_task(const pto_abi::Submission* submission);
void fail_pto_shim(const char* sentence, pto_abi::Place place);

}  // namespace peal
