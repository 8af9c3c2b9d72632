// SPDX-License-Identifier: Apache-2.0
#include "peal/launch/case_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "peal/base/error.h"
#include "peal/pto/include/platform_comm/comm_context.h"

namespace peal {
namespace {

std::vector<std::uint64_t> context_of(int rank, int ranks, std::span<std::byte* const> windows,
                                      std::size_t window_bytes) {
  constexpr std::size_t word = sizeof(std::uint64_t);
  std::vector<std::uint64_t> memory((sizeof(CommContext) + offsetof(CommContext, windowsIn)) /
                                        word +
                                    static_cast<std::size_t>(ranks));
  auto& context = *reinterpret_cast<CommContext*>(memory.data());
  context.rankId = static_cast<std::uint32_t>(rank);
  context.rankNum = static_cast<std::uint32_t>(ranks);
  context.winSize = window_bytes;
  for (std::size_t peer = 0; peer < windows.size(); ++peer) {
    memory[offsetof(CommContext, windowsIn) / word + peer] =
        reinterpret_cast<std::uint64_t>(windows[peer]);
  }
  return memory;
}

}  // namespace

KernelContext::KernelContext(int rank, int ranks, std::span<std::byte* const> windows,
                             std::size_t window_bytes)
    : memory_(context_of(rank, ranks, windows, window_bytes)),
      known_(memory_.data(), memory_.size() * sizeof(memory_[0])) {}

ChipTensor tensor_of(const View& view) {
  ChipTensor tensor;
  tensor.buffer = {reinterpret_cast<std::uint64_t>(view.data), view.size_bytes()};
  tensor.shapes[0] = static_cast<std::uint32_t>(view.count);
  tensor.strides[0] = 1;
  tensor.ndims = 1;
  tensor.dtype = static_cast<std::int32_t>(view.dtype);
  return tensor;
}

CaseProgram::CaseProgram(const CaseFile& file) : file_(file) {
  if (file.orchestration) {
    shim_.emplace(file.orchestration->file, file.orchestration->name, file.include);
  }
  for (const CaseKernel& kernel : file.kernels) {
    kernels_.emplace(kernel.id, PtoKernel(kernel.file, file.include, kernel.core));
    if (std::find(core_types_.begin(), core_types_.end(), kernel.core) == core_types_.end()) {
      core_types_.push_back(kernel.core);
    }
  }
}

std::vector<PtoTask> CaseProgram::tasks(std::span<const ChipTensor> tensors,
                                        std::span<const std::uint64_t> scalars) const {
  if (!shim_) {
    PtoTask task;
    task.core = file_.find_kernel(0)->core;
    task.tensors.assign(tensors.begin(), tensors.end());
    task.scalars.assign(scalars.begin(), scalars.end());
    return {task};
  }
  std::vector<PtoTask> tasks = shim_->run(tensors, scalars);
  for (const PtoTask& task : tasks) check_task(task);
  return tasks;
}

void CaseProgram::check_task(const PtoTask& task) const {
  const CaseKernel* const kernel = file_.find_kernel(task.kernel);
  if (kernel == nullptr) {
    throw UsageError(fmt::format(
        "orchestration `{}` submits a task of kernel {}, which the case `{}` does not have; "
        "add a [[kernel]] with this id",
        file_.orchestration->file, task.kernel, file_.path));
  }
  if (kernel->core != task.core) {
    throw UsageError(fmt::format(
        "orchestration `{}` submits a task of kernel {} by rt_submit_{}_task, and the case `{}` "
        "says that its core is `{}`; make them agree",
        file_.orchestration->file, task.kernel, name(task.core), file_.path, name(kernel->core)));
  }
}

}  // namespace peal
