// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/run_request.h"

namespace peal {

// Whether what is to be run is a kernel (a source file, a case file or a folder that holds
// case.toml) and not the name of a collective.
[[nodiscard]] bool names_case(const RunRequest& request);

// Runs the kernel, of PTO with a case or of Peal, and prints what came of it; returns the exit
// code.
[[nodiscard]] int case_command(const RunRequest& request);

}  // namespace peal
