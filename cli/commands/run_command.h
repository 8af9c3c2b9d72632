// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/options/run_request.h"

namespace peal {

// `peal run`: runs, prints the report, and writes the requested files. Returns the exit code: 0, or
// 1 for a wrong result. Throws Error for a request that cannot be carried out.
[[nodiscard]] int run_command(const RunRequest& request);

}  // namespace peal
