// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/options/run_request.h"

namespace peal {

// `peal run`: prints what came of it, writes the files asked for, and returns the exit code: 0, or
// 1 for a wrong result. Throws Error for a request that cannot be carried out.
[[nodiscard]] int run_command(const RunRequest& request);

}  // namespace peal
