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

// The CommContext that a kernel gets: its rank, and the address of every rank's window. The array
// of windows at its end has an entry per rank, so the object is longer than the struct for large
// teams.
class KernelContext {
 public:
  // `windows` are the ranks' windows, indexed by rank; empty without a window.
  KernelContext(int rank, int ranks, std::span<std::byte* const> windows, std::size_t window_bytes);

  [[nodiscard]] std::int64_t address() const {
    return reinterpret_cast<std::int64_t>(memory_.data());
  }

 private:
  std::vector<std::uint64_t> memory_;
  PtoArgument known_;
};

// The view as a one-dimensional contiguous tensor, which is how kernels get it.
[[nodiscard]] ChipTensor tensor_of(const View& view);

// The kernels and the shim of a case, compiled and loaded. The CaseFile has to outlive this object.
class CaseProgram {
 public:
  // Throws Error for a source that does not compile or load.
  explicit CaseProgram(const CaseFile& file);

  // The distinct types of cores that the kernels need, in the order of their first kernels.
  [[nodiscard]] int core_types() const { return static_cast<int>(core_types_.size()); }
  [[nodiscard]] CoreType core_type(int index) const {
    return core_types_[static_cast<std::size_t>(index)];
  }
  [[nodiscard]] const std::map<int, PtoKernel>& kernels() const { return kernels_; }

  // The tasks that the shim submits for these arguments. Without a shim: a single task of kernel 0
  // with all of them. Throws Error for a task that the case cannot run. Needs a living FaultGuard.
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
