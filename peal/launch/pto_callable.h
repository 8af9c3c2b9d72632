// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "peal/base/api.h"
#include "peal/run/core_type.h"
#include "peal/runtime/callable.h"

namespace PEAL_API peal {

// How a kernel's source is built if no case describes it.
struct PtoOptions {
  CoreType core = CoreType::aiv;
  std::vector<std::string> include = {};  // include folders
};

// Compiles and loads a PTO kernel and returns it as a callable. `path` is a folder with a
// case.toml, a case file, or the source of a kernel without a shim. The callable takes the case's
// arguments in their order, with any counts: `in`, `out` and `inout` with that direction, `temp` as
// output or inout, `window` as inout and in the window of the domain, scalars and contexts. A bare
// source takes any arguments, 48 at most. Throws Error if something cannot be read or does not
// compile.
[[nodiscard]] Callable pto_kernel(const std::string& path, const PtoOptions& options = {});

// The callable for a file of any kind: a Peal kernel's source, or whatever pto_kernel() takes. Of a
// source, what it defines decides (see kernel_language.h).
[[nodiscard]] Callable kernel_file(const std::string& path, const PtoOptions& options = {});

}  // namespace peal
