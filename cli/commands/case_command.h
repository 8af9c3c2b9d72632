// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/options/run_request.h"

namespace peal {

// Runs the kernel, of PTO with a case or of Peal, and prints what came of it; returns the exit
// code.
[[nodiscard]] int case_command(const RunRequest& request);

}  // namespace peal
