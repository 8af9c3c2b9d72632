// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "peal/run/core_type.h"
#include "peal/runtime/callable.h"

namespace peal {

// How a kernel is built that no case describes.
struct PtoOptions {
  CoreType core = CoreType::aiv;
  std::vector<std::string> include = {};  // folders
};

// A PTO kernel as a callable, compiled and loaded now. `path` is a folder with a case.toml, a case
// file, or the source of a kernel that is called without a shim. Its arguments are those of the
// case, in their order, whatever their counts: `in`, `out` and `inout` as they are, `temp` as `out`
// or `inout`, `window` as `inout` in the window of the domain, scalars and contexts. Throws Error
// for what cannot be read or does not compile.
[[nodiscard]] Callable pto_kernel(const std::string& path, const PtoOptions& options = {});

// The callable of a source file: a Peal kernel, which defines peal_kernel(), or one of PTO; or of a
// folder or case file.
[[nodiscard]] Callable kernel_file(const std::string& path, const PtoOptions& options = {});

}  // namespace peal
