// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/options/run_request.h"

namespace peal {

// Runs a kernel (a Peal kernel, or a PTO kernel with its case) and prints the result. Returns the
// exit code.
[[nodiscard]] int case_command(const RunRequest& request);

}  // namespace peal
