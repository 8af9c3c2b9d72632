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

// A task that a shim has submitted.
struct PtoTask {
  int kernel = 0;   // the id of a kernel of the case
  CoreType core{};  // that it is for
  std::vector<ChipTensor> tensors;
  std::vector<TaskDirection> directions;
  std::vector<std::uint64_t> scalars;
  std::vector<std::size_t> after;  // earlier tasks whose tensors it must wait for
};

// An orchestration shim: `<name>_config` says how many arguments it expects, `<name>` submits the
// tasks of one chip.
class PtoShim {
 public:
  // Compiles (or finds in the cache) and loads the source; throws Error when a symbol is missing.
  PtoShim(const std::string& source, const std::string& name,
          const std::vector<std::string>& include_folders);

  // The tasks that it submits for these arguments, each with those before it that write what it
  // reads or changes in place. Throws Error when it expects another number of
  // arguments, is given more than a chip takes (256 tensors, 128 scalars), or submits a task with
  // more than a core takes (32 and 16).
  [[nodiscard]] std::vector<PtoTask> run(std::span<const ChipTensor> tensors,
                                         std::span<const std::uint64_t> scalars) const;

 private:
  void run(const std::function<void()>& call) const;

  std::string source_, name_;
  LoadedObject object_;
};

// What shims call through the table of functions.
void submit_pto_task(const pto_abi::Submission* submission);
void fail_pto_shim(const char* sentence, pto_abi::Place place);

}  // namespace peal
