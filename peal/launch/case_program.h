// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "peal/cases/case_file.h"
#include "peal/machine/view.h"
#include "peal/pto/isa/shim.h"
#include "peal/pto/load/kernel.h"

namespace peal {

// What a kernel knows of its team: its rank, and where every rank's window lies. It is as long as
// the team: the array of windows at its end has room for every rank.
class KernelContext {
 public:
  // `windows` by rank; empty where there is none.
  KernelContext(int rank, int ranks, std::span<std::byte* const> windows, std::size_t window_bytes);

  [[nodiscard]] std::int64_t address() const {
    return reinterpret_cast<std::int64_t>(memory_.data());
  }

 private:
  std::vector<std::uint64_t> memory_;
  PtoArgument known_;
};

// A view as kernels get it.
[[nodiscard]] ChipTensor tensor_of(const View& view);

// The kernels and the shim of a case, compiled and loaded. The case has to outlive them.
class CaseProgram {
 public:
  explicit CaseProgram(const CaseFile& file);

  // The types of cores that the kernels are for, in their order.
  [[nodiscard]] int core_types() const { return static_cast<int>(core_types_.size()); }
  [[nodiscard]] CoreType core_type(int index) const {
    return core_types_[static_cast<std::size_t>(index)];
  }
  [[nodiscard]] const std::map<int, PtoKernel>& kernels() const { return kernels_; }

  // What the shim submits for these arguments; without one a single task of kernel 0 gets them all.
  // Throws Error for a task that the case cannot run. Needs a living FaultGuard.
  [[nodiscard]] std::vector<PtoTask> tasks(std::span<const ChipTensor> tensors,
                                           std::span<const std::uint64_t> scalars) const;

 private:
  void check_task(const PtoTask& task) const;

  const CaseFile& file_;
  std::optional<PtoShim> shim_;
  std::map<int, PtoKernel> kernels_;
  std::vector<CoreType> core_types_;
};

}  // namespace peal
