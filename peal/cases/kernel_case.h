// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>
#include <variant>
#include <vector>

#include "peal/cases/case_file.h"
#include "peal/machine/kernel.h"

namespace peal {

// A kernel's description as a case: its inputs and outputs are arguments, its windows and rows of
// signals are windows.
struct KernelCase {
  struct ArgumentIndex {
    std::size_t value = 0;
  };
  struct WindowIndex {
    std::size_t value = 0;
  };
  using BufferIndex = std::variant<ArgumentIndex, WindowIndex>;

  CaseFile file;                     // a row of signals is a window of one byte for each of them
  std::vector<BufferIndex> buffers;  // where each buffer of the kernel is in `file`
  std::vector<std::size_t> signals;  // and each row of signals, among the windows
};

// Throws Error for a description that makes no sense, with the kernel's name and the member. The
// kernel need not outlive the result.
[[nodiscard]] KernelCase kernel_case(const Kernel& kernel);

}  // namespace peal
