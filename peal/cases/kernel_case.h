// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>
#include <variant>
#include <vector>

#include "peal/cases/case_file.h"
#include "peal/machine/kernel.h"

namespace peal {

// A Peal kernel's description as a CaseFile, so that the same code evaluates, fills and compares:
// its inputs and outputs become arguments, its windows and rows of signals become windows.
struct KernelCase {
  struct ArgumentIndex {
    std::size_t value = 0;
  };
  struct WindowIndex {
    std::size_t value = 0;
  };
  using BufferIndex = std::variant<ArgumentIndex, WindowIndex>;

  CaseFile file;                     // a row of signals is a window with a byte per signal
  std::vector<BufferIndex> buffers;  // by buffer of the kernel: its index in `file`
  std::vector<std::size_t> signals;  // by row of signals: its index among the windows
};

// Translates and checks a description. Throws Error, which names the kernel and the member, if it
// is invalid. The result does not refer to `kernel`.
[[nodiscard]] KernelCase kernel_case(const Kernel& kernel);

}  // namespace peal
